/** pino, writing its lines as Airbyte LOG messages to the one writer of stdout. */
import { pino } from 'pino';
import type { Log } from '../core/log.ts';
import type { LogLevel } from './protocol.generated.ts';
import type { Secrets } from '../core/secrets.ts';
import type { ProtocolWriter } from './writer.ts';

const LEVELS: Record<string, LogLevel> = {
  trace: 'TRACE',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
  fatal: 'FATAL',
};

interface Line {
  level: string;
  msg?: string;
  err?: { stack?: string };
}

/** `level`: pino's name of the lowest level that is shown. Unknown names mean `info`. */
export function createLog(writer: ProtocolWriter, secrets: Secrets, level = 'info'): Log {
  const known = level.toLowerCase() in LEVELS ? level.toLowerCase() : 'info';
  return pino(
    { level: known, base: null, timestamp: false, formatters: { level: (label) => ({ level: label }) } },
    {
      write(text: string): void {
        const line = JSON.parse(text) as Line;
        const stack = line.err?.stack;
        writer.message({
          type: 'LOG',
          log: {
            level: LEVELS[line.level] ?? 'INFO',
            message: secrets.mask(line.msg ?? ''),
            ...(stack === undefined ? {} : { stack_trace: secrets.mask(stack) }),
          },
        });
        // A log line that waits for the next page tells nobody that the connector is waiting for it.
        writer.flush();
      },
    },
  );
}
