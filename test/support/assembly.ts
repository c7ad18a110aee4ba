// SPDX-License-Identifier: MIT
//
// Compiles an AssemblyScript entry that exists only in the test, with the options of asconfig.json, so that a test can
// call any function of core/. Sources given by name stand in for files (an import that a part of a core needs).
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export type Assembly = {
  readonly memory: WebAssembly.Memory;
  readonly exports: Record<string, (...args: (number | bigint)[]) => never>;
};

/** `sources` maps paths from the root to text; `entry` is one of them. */
export async function compileAssembly(
  entry: string,
  sources: Readonly<Record<string, string>>,
  imports: WebAssembly.Imports = {},
): Promise<Assembly> {
  const options = (JSON.parse(readFileSync(`${ROOT}asconfig.json`, 'utf8')) as { options: Record<string, unknown> })
    .options;
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === false ? [] : value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main([entry, '--baseDir', ROOT, '--outFile', 'out.wasm', ...args], {
    readFile: (name) => {
      if (name in sources) return sources[name]!;
      try {
        return readFileSync(ROOT + name, 'utf8');
      } catch {
        return null;
      }
    },
    writeFile: (name, contents) => {
      if (name === 'out.wasm') binary = new Uint8Array(contents as Uint8Array<ArrayBuffer>);
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`${entry} does not compile\n${stderr.toString()}`, { cause: error });
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(binary), {
    ...imports,
    env: { ...imports.env, memory },
  });
  return { memory, exports: instance.exports as Assembly['exports'] };
}
