import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from '../../../frontends/host/byte-queue.ts';
import { ConsoleEscape } from '../../../frontends/host/console-escape.ts';
import { openSerial, type SerialEnd, type SerialHost } from '../../../frontends/host/serial.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const text = (data: Uint8Array): string => Buffer.from(data).toString('latin1');

/** Standard input and output of streams, with or without a terminal. */
function fakeHost(isTTY = false) {
  const rawModes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY,
    setRawMode: (raw: boolean) => void rawModes.push(raw),
  });
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const said: string[] = [];
  const host = { stdin, stdout, say: (line: string) => void said.push(line) } as unknown as SerialHost;
  return { host, stdin, stdout, said, rawModes };
}

/** Everything that arrives, and a promise for the moment it satisfies a condition. */
function collector() {
  let received = '';
  const waiting: { wanted: string; resolve: () => void }[] = [];
  const look = (): void => {
    for (const { wanted, resolve } of waiting) if (received.includes(wanted)) resolve();
  };
  return {
    add: (data: Uint8Array): void => {
      received += text(data);
      look();
    },
    until: (wanted: string): Promise<string> =>
      new Promise((resolve) => {
        waiting.push({ wanted, resolve: () => resolve(received) });
        look();
      }),
    get text() {
      return received;
    },
  };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe('ConsoleEscape', () => {
  it('passes everything on but what follows Ctrl-]', () => {
    const escape = new ConsoleEscape();
    expect(escape.feed(bytes('a\x03\x1a'))).toEqual({ data: bytes('a\x03\x1a'), help: false, quit: false });
    expect(escape.feed(bytes('a\x1d\x1db'))).toEqual({ data: bytes('a\x1db'), help: false, quit: false });
    expect(escape.feed(bytes('\x1d?'))).toEqual({ data: bytes(''), help: true, quit: false });
  });

  it('remembers Ctrl-] between chunks and stops at quit', () => {
    const escape = new ConsoleEscape();
    expect(escape.feed(bytes('a\x1d')).data).toEqual(bytes('a'));
    expect(escape.feed(bytes('qrest'))).toEqual({ data: bytes(''), help: false, quit: true });
    expect(escape.feed(bytes('q'))).toEqual({ data: bytes('q'), help: false, quit: false });
  });
});

describe('ByteQueue', () => {
  it('keeps the newest bytes', () => {
    const queue = new ByteQueue(5);
    for (const part of ['abc', 'de', 'fg', '']) queue.push(bytes(part));
    expect([queue.length, queue.dropped]).toEqual([5, 2]);
    expect(text(queue.take())).toBe('cdefg');
    expect(queue.length).toBe(0);
    queue.push(bytes('0123456789'));
    expect(text(queue.take())).toBe('56789');
  });
});

describe('openSerial', async () => {
  it.each([
    ['', /expected stdio, pty, tcp:HOST:PORT, file:PATH or none; found ""/],
    ['modem', /expected stdio.*found "modem"/],
    ['stdio:x', /found "stdio:x"/],
    ['file:', /expected a file name/],
    ['tcp:', /expected tcp:HOST:PORT/],
    ['tcp:localhost', /expected tcp:HOST:PORT/],
    ['tcp:localhost:70000', /port up to 65535/],
    ['tcp:a:b:1', /expected tcp:HOST:PORT/],
    ['file:/nonexistent/x', /cannot write it: there is no such file/],
  ])('refuses %j', async (spec, message) => {
    await expect(openSerial(spec, fakeHost().host)).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(message) as string,
    });
  });

  it('none takes everything and gives nothing', async () => {
    const end = await openSerial('none', fakeHost().host);
    end.write(bytes('x'));
    end.onData(() => expect.unreachable());
    end.close();
  });

  describe('file', () => {
    it('appends', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'serial-'));
      const path = join(folder, 'a:b.txt');
      writeFileSync(path, 'before ');
      const end = await openSerial(`file:${path}`, fakeHost().host);
      end.write(bytes('one '));
      end.write(bytes('two\xff'));
      end.close();
      end.write(bytes('late'));
      expect(readFileSync(path, 'latin1')).toBe('before one two\xff');
      rmSync(folder, { recursive: true });
    });
  });

  describe('stdio', () => {
    it('passes bytes both ways without a terminal, Ctrl-] included, and survives the end of input', async () => {
      const { host, stdin, stdout, rawModes } = fakeHost();
      const end = await openSerial('stdio', host);
      const input = collector();
      end.onData(input.add);
      stdin.write('ls\x1dq\n');
      stdin.end();
      await input.until('\n');
      end.write(bytes('answer'));
      expect(text(stdout.read() as Buffer)).toBe('answer');
      await settle();
      end.write(bytes('more'));
      expect(input.text).toBe('ls\x1dq\n');
      expect(rawModes).toEqual([]);
      end.close();
    });

    it('is raw on a terminal, and leaves it as it was', async () => {
      const { host, stdin, said, rawModes } = fakeHost(true);
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGCONT', 'exit'];
      const listeners = (): number[] => signals.map((name) => process.listenerCount(name));
      const before = listeners();
      const end = await openSerial('stdio', host);
      expect(rawModes).toEqual([true]);
      expect(listeners()).toEqual(before.map((count) => count + 1));
      let quits = 0;
      const input = collector();
      end.onData(input.add);
      end.onQuit(() => quits++);
      stdin.write('\x03\x1d?\x1d\x1d');
      await settle();
      expect([input.text, quits, said.length]).toEqual(['\x03\x1d', 0, 1]);
      expect(said[0]).toMatch(/Ctrl-\] q leaves/);
      stdin.write('\x1d');
      stdin.write('q');
      await settle();
      expect(quits).toBe(1);
      end.close();
      end.close();
      expect(rawModes).toEqual([true, false]);
      expect(listeners()).toEqual(before);
      expect([stdin.listenerCount('data'), stdin.isPaused()]).toEqual([0, true]);
    });

    it('is raw again after the process was stopped and continued', async () => {
      const { host, rawModes } = fakeHost(true);
      const end = await openSerial('stdio', host);
      process.emit('SIGCONT', 'SIGCONT');
      expect(rawModes).toEqual([true, false, true]);
      end.close();
    });

    it('can be used by one line at a time', async () => {
      const { host } = fakeHost();
      const first = await openSerial('stdio', host);
      await expect(openSerial('stdio', host)).rejects.toThrow(/only one line can be stdio/);
      first.close();
      (await openSerial('stdio', host)).close();
    });

    it('asks to leave when nobody reads its output any more', async () => {
      const { host, stdout } = fakeHost();
      const end = await openSerial('stdio', host);
      let quits = 0;
      end.onQuit(() => quits++);
      stdout.emit('error', Object.assign(new Error('EPIPE'), { code: 'EPIPE' }));
      expect(quits).toBe(1);
      end.close();
    });

    it('waits for a busy listener', async () => {
      const { host, stdin } = fakeHost();
      const end = await openSerial('stdio', host);
      let release = (): void => undefined;
      const seen: string[] = [];
      end.onData((data) => {
        seen.push(text(data));
        return new Promise<void>((resolve) => (release = resolve));
      });
      stdin.write('a');
      await settle();
      stdin.write('b');
      await settle();
      expect(seen).toEqual(['a']);
      release();
      await settle();
      expect(seen).toEqual(['a', 'b']);
      end.close();
    });
  });

  /** What a terminal opened non-blocking has to read, as soon as it has something. */
  async function readSome(file: number): Promise<string> {
    for (;;) {
      const piece = new Uint8Array(100);
      try {
        return text(piece.subarray(0, readSync(file, piece)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await settle();
      }
    }
  }

  // Compiled for the usual systems; elsewhere npm leaves the optional package out.
  const hasPty = await import('@lydell/node-pty').then(
    () => true,
    () => false,
  );
  describe.skipIf(!hasPty)('pty', () => {
    it('passes all bytes both ways to whoever opens it, again and again', async () => {
      const { host, said } = fakeHost();
      const end = await openSerial('pty', host);
      expect(said).toEqual([`serial line on ${end.title}`]);
      const input = collector();
      end.onData(input.add);
      end.write(bytes('early\n\x00\xff'));
      for (const round of ['one', 'two']) {
        const file = openSync(end.title, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
        writeSync(file, bytes(`${round}\r\x03\x1a\xff.`));
        await input.until(`${round}\r\x03\x1a\xff.`); // raw: no echo, no signals, no conversion
        end.write(bytes(round));
        const expected = round === 'one' ? 'early\n\x00\xffone' : 'two';
        let got = '';
        // A terminal may hand over what was written piece by piece.
        while (got.length < expected.length) got += await readSome(file);
        expect(got).toBe(expected);
        closeSync(file);
        await settle();
      }
      end.close();
    });
  });

  describe('tcp', () => {
    async function listening(): Promise<{ end: SerialEnd; port: number; dial: () => Promise<Socket> }> {
      const { host, said } = fakeHost();
      const end = await openSerial('tcp:127.0.0.1:0', host);
      const port = Number(/^tcp 127\.0\.0\.1:(\d+)$/.exec(end.title)?.[1]);
      expect(said).toEqual([`serial line on ${end.title}`]);
      const dial = (): Promise<Socket> =>
        new Promise((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => resolve(socket)).on('error', reject);
        });
      return { end, port, dial };
    }

    it('passes bytes both ways, to one client after another, and keeps what is sent meanwhile', async () => {
      const { end, dial } = await listening();
      const input = collector();
      end.onData(input.add);
      end.write(bytes('early '));
      const first = await dial();
      const seen = collector();
      first.on('data', seen.add);
      first.write('hello');
      await input.until('hello');
      end.write(bytes('one'));
      expect(await seen.until('one')).toBe('early one');
      first.destroy();
      await settle();
      end.write(bytes('two'));
      const second = await dial();
      const seenThen = collector();
      second.on('data', seenThen.add);
      expect(await seenThen.until('two')).toBe('two');
      second.destroy();
      end.close();
    });

    it('turns a second client away', async () => {
      const { end, dial } = await listening();
      const first = await dial();
      await settle();
      const second = await dial();
      const seen = collector();
      second.on('data', seen.add);
      await seen.until('in use');
      expect(first.destroyed).toBe(false);
      first.destroy();
      second.destroy();
      end.close();
    });

    it('keeps the newest output while nobody is connected', async () => {
      const { end, dial } = await listening();
      for (let i = 0; i < 300; i++) end.write(new Uint8Array(1024).fill(i & 0xff));
      end.write(bytes('last'));
      const client = await dial();
      let length = 0;
      const seen = collector();
      client.on('data', (data: Buffer) => {
        length += data.length;
        seen.add(data);
      });
      await seen.until('last');
      expect(length).toBe(1 << 16);
      client.destroy();
      end.close();
    });

    it('reads nothing before somebody listens', async () => {
      const { end, dial } = await listening();
      const client = await dial();
      client.write('early');
      await settle();
      const input = collector();
      end.onData(input.add);
      await input.until('early');
      client.destroy();
      end.close();
    });

    it('says when the port is taken', async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as { port: number };
      await expect(openSerial(`tcp:127.0.0.1:${port}`, fakeHost().host)).rejects.toThrow(/another program uses/);
      server.close();
    });
  });
});
