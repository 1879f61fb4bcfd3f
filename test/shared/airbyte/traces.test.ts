import { describe, expect, test } from 'vitest';
import { ConnectorFailure, configError } from '../../../shared/core/failure.ts';
import { Secrets } from '../../../shared/core/secrets.ts';
import { errorTrace, statusTrace } from '../../../shared/airbyte/traces.ts';

const NOW = 1_790_000_000_000;
const secrets = new Secrets();
secrets.add('prod:happy-otter-123|the-secret');

function errorOf(error: unknown) {
  const { trace } = errorTrace(error, secrets, NOW);
  if (trace.type !== 'ERROR') throw new Error('no error');
  expect(trace.emitted_at).toBe(NOW);
  expect(JSON.stringify(trace)).not.toContain('the-secret');
  return trace.error;
}

describe('an error as a trace', () => {
  test('that the user can mend: the message, and no stack', () => {
    expect(errorOf(configError('Do this.', { name: 'a', namespace: 'n' }))).toEqual({
      message: 'Do this.',
      failure_type: 'config_error',
      stream_descriptor: { name: 'a', namespace: 'n' },
    });
  });

  test('that passes: the message, and for developers what caused it', () => {
    const cause = new TypeError('answer of the-secret');
    expect(errorOf(new ConnectorFailure('transient_error', 'Later.', { cause }))).toEqual({
      message: 'Later.',
      failure_type: 'transient_error',
      internal_message: 'TypeError: answer of ****',
      stack_trace: expect.stringContaining('TypeError: answer of ****') as string,
    });
  });

  test('that is a defect: its own words may hold anything, and are for developers only', () => {
    expect(errorOf(new RangeError('{"name":"Ada"} the-secret'))).toEqual({
      message: 'Something went wrong in the connector. This is a defect: please report it with the log of this run.',
      failure_type: 'system_error',
      internal_message: expect.stringContaining('RangeError') as string,
      stack_trace: expect.any(String) as string,
    });
  });

  test.each([['text the-secret'], [undefined], [null], [{ a: 1 }]])('that is no error at all: %j', (thrown) => {
    expect(errorOf(thrown)).toMatchObject({ failure_type: 'system_error', internal_message: typeof thrown });
  });

  test('whose message holds a secret: masked', () => {
    expect(errorOf(configError('The key prod:happy-otter-123|the-secret is wrong.')).message).toBe(
      'The key **** is wrong.',
    );
  });
});

test('a status as a trace', () => {
  expect(statusTrace({ name: 'a' }, 'RUNNING', NOW)).toEqual({
    type: 'TRACE',
    trace: {
      type: 'STREAM_STATUS',
      emitted_at: NOW,
      stream_status: { stream_descriptor: { name: 'a' }, status: 'RUNNING' },
    },
  });
});
