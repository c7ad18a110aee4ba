// SPDX-License-Identifier: MIT
import type { ClientPort } from '../spice/client.ts';

export const MONITOR_PORT = 'org.emeritus.monitor.0';

/**
 * Executes a command at a monitor that others may use as well, and gives its answer. What else the monitor says is
 * told apart by words nobody else writes.
 */
export function askMonitor(port: ClientPort, command: string, token: string, timeoutMs: number): Promise<string> {
  const [begin, end] = [`${token}-begin`, `${token}-end`];
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the monitor does not answer')), timeoutMs);
    const decoder = new TextDecoder();
    let said = '';
    port.onData = (bytes) => {
      said += decoder.decode(bytes, { stream: true });
      // Alone in a line: the words themselves, not the echo of the command that asks for them.
      const from = said.indexOf(`\n${begin}\r\n`);
      const to = said.indexOf(`\n${end}\r\n`);
      if (from < 0 || to < from) return;
      clearTimeout(timer);
      const lines = said.slice(from, to).split(/\r?\n/);
      // The word, then the prompt and the command; at the end the prompt and the command that ends it.
      resolve(lines.slice(3, -1).join('\n'));
    };
    const line = (text: string): void => port.send(new TextEncoder().encode(`\x15${text}\r`));
    line(`echo ${begin}`);
    line(command);
    line(`echo ${end}`);
  });
}
