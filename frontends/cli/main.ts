// SPDX-License-Identifier: MIT
import { Command, CommanderError } from 'commander';
import { UserError } from '../host/user-error.ts';
import { addBootCommand } from './boot.ts';
import { addDescribeCommand, addMachinesCommand } from './describe.ts';
import { EXIT } from './exit-codes.ts';
import { addRomsCommand } from './roms.ts';
import { addRunCommand } from './run.ts';
import { addScreenTextCommand } from './screen-text.ts';
import { packageVersion } from './version.ts';
import { addViewCommand } from './view.ts';

/** Runs the `emeritus` command and gives its exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const setCode = (value: number): void => {
    code = value;
  };
  const program = new Command('emeritus')
    .description('Boots machines that nobody makes any more.')
    .version(packageVersion())
    .showHelpAfterError('(--help says what there is)')
    .configureHelp({ showGlobalOptions: true });
  program.enablePositionalOptions();
  addMachinesCommand(program);
  addDescribeCommand(program);
  addBootCommand(program, setCode);
  addRomsCommand(program, setCode);
  addViewCommand(program);
  addScreenTextCommand(program);
  addRunCommand(program, setCode);
  forEachCommand(program, (command) => command.exitOverride());
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof UserError) {
      process.stderr.write(`emeritus: ${error.message}\n`);
      return EXIT.usage;
    }
    process.stderr.write(`emeritus: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.internal;
  }
  return code;
}

function forEachCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const child of command.commands) forEachCommand(child, visit);
}
