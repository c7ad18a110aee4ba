// SPDX-License-Identifier: MIT
//
// Where the command begins. `run` stands for a program that scripts start many times: it does without loading the
// machines that the other commands know.
import { Command, CommanderError } from 'commander';
import { UserError } from '../host/user-error.ts';
import { EXIT } from './exit-codes.ts';
import { addRunCommand } from './run.ts';

export async function start(argv: readonly string[]): Promise<number> {
  if (argv[0] !== 'run') return (await import('./main.ts')).run(argv);
  let code: number = EXIT.ok;
  const program = new Command('emeritus').enablePositionalOptions().showHelpAfterError('(--help says what there is)');
  addRunCommand(program, (value) => {
    code = value;
  });
  for (const command of program.commands) command.exitOverride();
  try {
    await program.exitOverride().parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const isUsers = error instanceof UserError;
    const text = isUsers ? error.message : `internal error: ${error instanceof Error ? error.stack : String(error)}`;
    process.stderr.write(`emeritus: ${text}\n`);
    return isUsers ? EXIT.usage : EXIT.internal;
  }
  return code;
}
