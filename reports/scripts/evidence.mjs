// Runs the Evidence CLI so that nothing needs the internet:
//  * DuckDB-WASM is pinned (package.json, overrides) to 1.28.0, the last release with Parquet linked in;
//    newer ones fetch an extension in the build and in every reader's browser.
//  * Evidence itself is changed by patches/, which `npm ci` applies: two options that this DuckDB does not have
//    (they bring back its own behaviour), Evidence's name in the pages' heads, its SQL console and settings page,
//    and four faults of base paths and prerendered pages.
//  * `sources` and `build` start from empty folders, because Evidence keeps and publishes old data files.
//  * The site's base path comes from the environment (patches/); Evidence reads it from a file of the project only.
//  * `sources` first writes the model cards, by Python, from the same warehouse.
//  * The catalogue of `make docs` is published beside the site, if it has been made.
// LEADLIGHT_WAREHOUSE names the database, absolute or relative to the repository root. LEADLIGHT_BASE_PATH names
// the folder of the host below which the site is published (/marketing/leadlight); none: its root.
// LEADLIGHT_CATALOGUE names the catalogue's page, where it is not in its place. LEADLIGHT_PYTHON names the Python that
// has Leadlight's packages, where it is not that of `make setup`.
import { spawnSync } from 'node:child_process';
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
	writeModelCards(path.resolve('.evidence/model_cards.json'));
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

// Short-lived objects are most of a build: room for them spares a tenth of its time.
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=64`;
await import('@evidence-dev/evidence/cli.js');

function stop(sentence) {
	console.error(sentence);
	process.exit(1);
}

function writeModelCards(file) {
	const python = process.env.LEADLIGHT_PYTHON || path.resolve('..', '.venv/bin/python');
	const run = spawnSync(python, ['-m', 'python_models', 'model-cards', '--json', file], {
		cwd: '..',
		env: { ...process.env, LEADLIGHT_WAREHOUSE: warehouse },
		stdio: ['ignore', 'ignore', 'inherit']
	});
	if (run.error) stop(`${python} cannot be run: run \`make setup\` first, or name another Python by LEADLIGHT_PYTHON`);
	if (run.status !== 0) stop(`${python} could not write the model cards`);
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
