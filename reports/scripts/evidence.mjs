// Runs the Evidence CLI so that nothing needs the internet:
//  * DuckDB-WASM is pinned (package.json, overrides) to 1.28.0, the last release with Parquet linked in;
//    newer ones fetch an extension in the build and in every reader's browser.
//  * Evidence sets two options that this DuckDB does not have (they bring back its own behaviour): drop them.
//  * Evidence's own name in the pages' heads, its SQL console and its settings page are left out.
//  * `sources` and `build` start from empty folders, because Evidence keeps and publishes old data files.
// LEADLIGHT_WAREHOUSE names the database, absolute or relative to the repository root.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

// Short-lived objects are most of a build: room for them spares a tenth of its time.
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=64`;
await import('@evidence-dev/evidence/cli.js');

function stop(sentence) {
	console.error(sentence);
	process.exit(1);
}

function drop(name, lines) {
	const file = `node_modules/@evidence-dev/${name}`;
	const text = readFileSync(file, 'utf8');
	const kept = text.replace(lines, '');
	if (kept !== text) writeFileSync(file, kept);
}
