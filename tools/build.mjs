// Builds dist/: generated sources, one WebAssembly module per CPU core, and the compiled TypeScript.
// Each step is skipped while its outputs are newer than its inputs. --force rebuilds all.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateArm } from './decodegen-arm.mjs';
import { generateIa64 } from './decodegen-ia64.mjs';
import { generateM68k } from './decodegen-m68k.mjs';
import { generate } from './decodegen.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const force = process.argv.includes('--force');
const only = process.argv.includes('--core') ? 'core' : undefined;

/** Every file below `folder` whose path passes `keep`. */
function files(folder, keep = () => true) {
  if (!existsSync(folder)) return [];
  if (statSync(folder).isFile()) return [folder];
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile() && keep(path));
}

const newest = (paths) => Math.max(0, ...paths.map((path) => statSync(path).mtimeMs));
const stale = (output, inputs) => force || !existsSync(output) || statSync(output).mtimeMs < newest(inputs);
const run = (module, ...args) =>
  execFileSync(process.execPath, [join('node_modules', module), ...args], { stdio: 'inherit' });

/** AssemblyScript entry files, one per instruction set; the target of the same name is in asconfig.json. */
const cores = ['ppc', 'ia64', 'm68k', 'arm'].filter((isa) => existsSync(`core/${isa}/index.ts`));
/** `--isa NAME` builds that core alone. */
const isaOption = process.argv.indexOf('--isa');
const wantedCores = isaOption < 0 ? [...cores] : [process.argv[isaOption + 1]];

for (const [path, text] of Object.entries({
  ...(cores.includes('ppc') ? generate() : {}),
  ...(cores.includes('ia64') ? generateIa64() : {}),
  ...(cores.includes('m68k') ? generateM68k() : {}),
  ...(cores.includes('arm') ? generateArm() : {}),
})) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  console.error(`generating ${path}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
mkdirSync('dist/core', { recursive: true });
/** Compiles one core; resolves when its module is written. */
const buildCore = (isa) =>
  new Promise((resolve, reject) => {
    console.error(`building core/${isa}`);
    const args = [`core/${isa}/index.ts`, '--config', 'asconfig.json', '--target', isa];
    const child = spawn(process.execPath, ['node_modules/assemblyscript/bin/asc.js', ...args], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`core/${isa} does not compile`))));
  });
const staleCores = wantedCores.filter((isa) => {
  const sources = ['core/common', `core/${isa}`].flatMap((folder) => files(folder, (path) => !path.includes('/host/')));
  return stale(`dist/core/${isa}.wasm`, [...sources, 'asconfig.json']);
});
// Two at a time: that many cores the machines this is built on have.
const workers = [0, 1].map(async () => {
  for (let isa = staleCores.pop(); isa !== undefined; isa = staleCores.pop()) await buildCore(isa);
});
try {
  await Promise.all(workers);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
if (only !== 'core') {
  const sources = ['core', 'machines', 'frontends', 'tsconfig.json', 'tsconfig.web.json'].flatMap((path) =>
    files(path),
  );
  if (stale('dist/.built', sources)) {
    run('typescript/bin/tsc', '-p', 'tsconfig.json');
    run('typescript/bin/tsc', '-p', 'tsconfig.web.json');
    writeFileSync('dist/.built', '');
  }
}
