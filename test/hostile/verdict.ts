/** What a run of a connector came to, in one line: how it ended and the message that a user gets. */
import type { Finished } from '../support/process.ts';
import { errorsOf, logsOf, messagesOf } from '../support/messages.ts';

export interface Verdict {
  /** `config_error`, `transient_error`, `system_error`; `FAILED` of a check; `ok`; anything else is told as it is. */
  kind: string;
  message: string;
}

/**
 * Judges a run, and throws where it ended in a way in which none may end: killed, with text beside the messages, with a defect, with a
 * failure but exit code 0, or with a stack trace in place of a message.
 */
export function verdictOf(finished: Finished): Verdict {
  const { code, signal, lines, rest, stderr } = finished;
  if (signal !== null)
    throw new Error(
      `ended by ${signal}: it hung, or worse. Log: ${logsOf(lines.filter((line) => line.startsWith('{'))).join(' | ')}`,
    );
  if (rest !== '') throw new Error('the output breaks off in the middle of a line');
  if (stderr !== '') throw new Error(`something was written to stderr: ${stderr.slice(0, 500)}`);
  // States are the source's own, and may be nested deeper than can be parsed here.
  const said = lines.filter((line) => !line.startsWith('{"type":"STATE"'));
  const messages = messagesOf(said);
  const status = messages.find((message) => message.type === 'CONNECTION_STATUS');
  if (status?.type === 'CONNECTION_STATUS') {
    const { status: kind, message = '' } = status.connectionStatus;
    return { kind: kind === 'SUCCEEDED' ? 'ok' : kind, message: timeless(message) };
  }
  const errors = errorsOf(said);
  for (const { message, internal_message, stack_trace } of errors) {
    if (message.includes('This is a defect')) throw new Error(`a defect: ${internal_message}\n${stack_trace}`);
    if (/^\s*at |\.ts:\d+|\.js:\d+|\[object /m.test(message)) throw new Error(`a message for machines: ${message}`);
  }
  if ((code === 0) !== (errors.length === 0)) throw new Error(`exit code ${code}, but ${errors.length} errors`);
  const [first] = errors;
  return first === undefined
    ? { kind: 'ok', message: '' }
    : { kind: first.failure_type!, message: timeless(first.message) };
}

/** How long something took is the machine's own. */
function timeless(message: string): string {
  return message.replace(/\b(over|for) \d+ s\b/g, '$1 N s');
}
