/** The log: pino's lines as Airbyte LOG messages on stdout. */
import { pino } from 'pino';
import type { Log } from '../core/log.ts';
import type { LogLevel } from './protocol.generated.ts';
import type { Secrets } from '../core/secrets.ts';
import type { ProtocolWriter } from './writer.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

interface Line {
  level: string;
  msg?: string;
  err?: { stack?: string };
}

/** `level`: the lowest level that is shown, as pino calls it. An unknown one means `info`. */
export function createLog(writer: ProtocolWriter, secrets: Secrets, level = 'info'): Log {
  const known = LEVELS.find((each) => each === level.toLowerCase()) ?? 'info';
  return pino(
    { level: known, base: null, timestamp: false, formatters: { level: (label) => ({ level: label }) } },
    {
      write(text: string): void {
        const line = JSON.parse(text) as Line;
        const stack = line.err?.stack;
        writer.message({
          type: 'LOG',
          log: {
            level: line.level.toUpperCase() as LogLevel,
            message: secrets.mask(line.msg ?? ''),
            ...(stack === undefined ? {} : { stack_trace: secrets.mask(stack) }),
          },
        });
        // Otherwise a line about waiting for a page would be shown after the wait.
        writer.flush();
      },
    },
  );
}
