// Runs the Evidence CLI so that nothing needs the internet:
//  * DuckDB-WASM is pinned (package.json, overrides) to 1.28.0, the last release with Parquet linked in;
//    newer ones fetch an extension in the build and in every reader's browser.
//  * Evidence sets two options that this DuckDB does not have (they bring back its own behaviour): drop them.
//  * Evidence's own name in the pages' heads, its SQL console and its settings page are left out.
//  * `sources` and `build` start from empty folders, because Evidence keeps and publishes old data files.
//  * The site's base path comes from the environment, where Evidence reads it from a file of the project only.
//  * The catalogue of `make docs` is published beside the site, if it has been made.
// LEADLIGHT_WAREHOUSE names the database, absolute or relative to the repository root. LEADLIGHT_BASE_PATH names
// the folder of the host below which the site is published (/marketing/leadlight); none: its root.
// LEADLIGHT_CATALOGUE names the catalogue's page, where it is not in its place.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
const [command, ...flags] = process.argv.slice(2);
process.chdir(project);

const warehouse = path.resolve('..', process.env.LEADLIGHT_WAREHOUSE || 'warehouse.duckdb');
process.env.EVIDENCE_SOURCE__warehouse__filename = path.relative('sources/warehouse', warehouse);
if (command === 'sources') {
	if (!existsSync(warehouse)) stop(`${warehouse} does not exist: run \`make build\` first`);
	rmSync('.evidence/template/static/data', { recursive: true, force: true });
} else if (command?.startsWith('build')) {
	const data = '.evidence/template/static/data/manifest.json';
	if (!existsSync(data)) stop('the reports have no data yet: run `npm run sources` first');
	rmSync('build', { recursive: true, force: true });
}
checkBasePath(process.env.LEADLIGHT_BASE_PATH ?? '');
if (command === 'dev' || command?.startsWith('build')) {
	const catalogue = process.env.LEADLIGHT_CATALOGUE || 'dbt_project/target/docs/static_index.html';
	publishCatalogue(path.resolve('..', catalogue), '.evidence/template/static/catalogue');
}

for (const name of ['node', 'browser']) {
	drop(
		`universal-sql/src/client-duckdb/${name}.js`,
		/^.*connection\.query\('SET (ieee_floating_point_ops|old_implicit_casting) = .*\n/gm
	);
}
drop('preprocess/dist/index.mjs', /^<meta name="twitter:site".*\n|^<title>Evidence<.*\n/gm);
for (const page of ['explore', 'settings']) {
	rmSync(`node_modules/@evidence-dev/evidence/template/src/pages/${page}`, { recursive: true, force: true });
}

edit(
	'sdk/src/configuration/getEvidenceConfig.js',
	/(\t\tconst result = yaml\.parse.*\n)(?!\t\tresult\.deployment)/,
	'$1\t\tresult.deployment ??= { basePath: process.env.LEADLIGHT_BASE_PATH };\n'
);
// else a page without a query asks for the results of its queries, which are missing
edit('evidence/template/src/pages/+layout.js', 'isUserPage && prerender)', 'isUserPage && prerender && evidencemeta.queries.length)');
// else a page /method/ is taken to lie below a base path /m
edit('sdk/src/utils/svelte/addBasePath.js', '_path.startsWith(basePath)', '`${_path}/`.startsWith(`${basePath}/`)');

// Short-lived objects are most of a build: room for them spares a tenth of its time.
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=64`;
await import('@evidence-dev/evidence/cli.js');

function stop(sentence) {
	console.error(sentence);
	process.exit(1);
}

function drop(name, lines) {
	edit(name, lines, '');
}

function edit(name, found, instead) {
	const file = `node_modules/@evidence-dev/${name}`;
	const text = readFileSync(file, 'utf8');
	const edited = text.replace(found, instead);
	if (edited !== text) writeFileSync(file, edited);
}

function checkBasePath(base) {
	const says = `LEADLIGHT_BASE_PATH is "${base}", which`;
	const parts = base.split('/').slice(1);
	if (base && (!/^(\/[\w.~-]+)+$/.test(base) || parts.some((part) => /^\.+$/.test(part)))) {
		stop(`${says} is no path: it starts with a slash and does not end with one, like /marketing/leadlight`);
	}
	if (parts.length && ['', '.md'].some((end) => existsSync(`pages/${parts[0]}${end}`))) {
		stop(`${says} starts with the name of a page: choose another folder`);
	}
}

function publishCatalogue(page, folder) {
	rmSync(folder, { recursive: true, force: true });
	if (!existsSync(page)) return;
	mkdirSync(folder, { recursive: true });
	// it names the folder in which it was made
	writeFileSync(`${folder}/index.html`, readFileSync(page, 'utf8').replaceAll(path.resolve('..'), '.'));
	// the link in the site's footer is there when the page is
	process.env.VITE_LEADLIGHT_CATALOGUE = 'true';
}
