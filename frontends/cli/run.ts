// SPDX-License-Identifier: MIT
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { UserError } from '../host/user-error.ts';

interface RunCommandOptions {
  sysroot?: string;
  strace?: boolean;
  log?: string;
  env: string[];
}

const MASKS = ['guest', 'unimp'];

export function addRunCommand(program: Command, setCode: (code: number) => void): void {
  program
    .command('run')
    .description('Run an IA-64 Linux program as a command.')
    .argument('<program>', 'an IA-64 Linux executable')
    .argument('[args...]', 'its arguments')
    .addOption(
      new Option('-L, --sysroot <folder>', 'where its interpreter and libraries are looked for first').env(
        'EMERITUS_SYSROOT',
      ),
    )
    .option('--strace', 'print its system calls')
    .option('--log <masks>', `what to report, comma-separated: ${MASKS.join(', ')}`)
    .addOption(
      new Option('-E, --env <name=value>', 'set a variable of its environment, or remove it without =')
        .argParser((value: string, earlier: string[]) => [...earlier, value])
        .default([], ''),
    )
    .passThroughOptions()
    .action(async (name: string, args: string[], options: RunCommandOptions) => {
      setCode(await run(name, args, options));
    });
}

async function run(name: string, args: readonly string[], options: RunCommandOptions): Promise<number> {
  const masks = options.log?.split(',') ?? [];
  const unknown = masks.find((mask) => !MASKS.includes(mask));
  if (unknown !== undefined) {
    throw new UserError('EMERITUS_LOG', `--log ${unknown}: there is ${MASKS.join(' and ')}`);
  }
  const environment = new Map(Object.entries(process.env).filter(([key]) => key !== 'EMERITUS_SYSROOT'));
  for (const setting of options.env) {
    const at = setting.indexOf('=');
    if (at < 0) environment.delete(setting);
    else environment.set(setting.slice(0, at), setting.slice(at + 1));
  }
  const { launch } = await import('../linux-user/launch.ts');
  const result = await launch({
    program: name,
    args,
    environment: [...environment].map(([key, value]) => `${key}=${value ?? ''}`),
    sysroot: options.sysroot === undefined ? '' : resolve(options.sysroot),
    strace: options.strace ?? false,
    logUnimplemented: masks.includes('unimp'),
    logGuest: masks.includes('guest'),
  });
  if (result.signal !== 0) {
    const { endLike } = await import('../linux-user/run-program.ts');
    endLike(result);
    return 128 + result.signal;
  }
  return result.code;
}
