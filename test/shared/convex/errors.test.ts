import { describe, expect, test } from 'vitest';
import { classify, readErrorBody } from '../../../shared/convex/errors.ts';

describe('what an answer means', () => {
  test.each<[number, string | undefined, string, boolean]>([
    // The positions of readers.
    [400, 'InvalidWindowToReadDocuments', 'expired', false],
    [400, 'SnapshotTooOld', 'expired', false],
    [400, 'DataSyncCursorExpired', 'expired', false],
    [400, 'InvalidDataSyncCursor', 'bad-position', false],
    [400, 'InvalidDataSyncSelection', 'refused', false],
    [404, 'DataSyncNotFound', 'refused', false],
    [400, 'InvalidListSnapshotCursor', 'bad-position', false],
    [400, 'SnapshotTooNew', 'bad-position', false],
    [400, 'DocumentDeltasCursorRequired', 'bad-position', false],
    [409, 'Conflict', 'bad-position', false],
    [409, undefined, 'bad-position', false],
    // Keys, permissions, plans.
    [401, 'BadAdminKey', 'bad-key', false],
    [403, 'BadDeployKey', 'bad-key', false],
    [400, 'InvalidHeaderFailure', 'bad-key', false],
    [400, 'InvalidAdminKey', 'bad-key', false],
    [400, 'HeaderParseFailure', 'bad-key', false],
    [401, 'InvalidAuthHeader', 'bad-key', false],
    [401, 'NoAuthProvider', 'bad-key', false],
    [401, 'SomethingNew', 'bad-key', false],
    [401, undefined, 'bad-key', false],
    [403, 'OperationNotPermitted', 'not-permitted', false],
    [403, 'StreamingExportNotEnabled', 'no-streaming-export', false],
    [400, 'StreamingExportNotEnabled', 'no-streaming-export', false],
    // The deployment itself.
    [400, 'BackendIsNotRunning', 'stopped', false],
    [404, 'DeploymentNotFound', 'no-deployment', false],
    [404, 'InstanceNotFound', 'no-deployment', false],
    // Passing: by status, and two by code (C8).
    [408, undefined, 'transient', true],
    [421, 'MisdirectedRequest', 'transient', true],
    [425, 'TooEarly', 'transient', true],
    [429, 'TooManyConcurrentRequests', 'transient', true],
    [429, undefined, 'transient', true],
    [500, 'InternalServerError', 'transient', true],
    [502, undefined, 'transient', true],
    [503, 'OptimisticConcurrencyControlFailure', 'transient', true],
    [503, 'CommitterFullError', 'transient', true],
    [503, 'TableSummariesUnavailable', 'transient', true],
    [504, undefined, 'transient', true],
    [520, undefined, 'transient', true],
    [400, 'IndexBackfillingError', 'transient', true],
    [400, 'TooManyWrites', 'transient', true],
    // Understood and refused.
    [400, 'BadJsonBody', 'refused', false],
    [400, 'BadFormat', 'refused', false],
    [403, 'SomethingNew', 'refused', false],
    [404, 'FunctionPathNotFound', 'refused', false],
    // Said by something that is no deployment: a firewall, another server.
    // Or by an ingress whose backend is away for a moment (S13).
    [403, undefined, 'not-convex', true],
    [404, undefined, 'not-convex', true],
    [405, undefined, 'not-convex', false],
    [204, undefined, 'not-convex', false],
    [400, undefined, 'not-convex', false],
    [413, undefined, 'not-convex', false],
  ])('%s %s: %s, worth another try: %s', (status, code, reason, retry) => {
    expect(classify({ status, code })).toEqual({ reason, retry });
  });
});

describe('the body of an error', () => {
  test.each<[string, string | undefined, string | undefined]>([
    [
      '{"code":"BadAdminKey","message":"The provided admin key was invalid"}',
      'BadAdminKey',
      'The provided admin key was invalid',
    ],
    ['{"code":"A","message":"one line\\nand {\\"name\\":\\"Ada\\"}"}', 'A', 'one line'],
    ['{"code":"A","message":"one line\\r\\nanother"}', 'A', 'one line'],
    ['{"code":"A"}', 'A', undefined],
    ['{"code":"A","message":7}', 'A', undefined],
    ['{"code":"","message":"x"}', undefined, undefined],
    ['{"code":7,"message":"x"}', undefined, undefined],
    ['{"message":"x"}', undefined, undefined],
    ['', undefined, undefined],
    ['null', undefined, undefined],
    ['[]', undefined, undefined],
    ['"text"', undefined, undefined],
    ['{"code":"A"', undefined, undefined],
    ['<html></html>', undefined, undefined],
  ])('%s', (body, code, detail) => {
    expect(readErrorBody(body)).toEqual({ code, detail });
  });

  test('is kept short', () => {
    const { code, detail } = readErrorBody(JSON.stringify({ code: 'c'.repeat(500), message: 'm'.repeat(5000) }));
    expect([code?.length, detail?.length]).toEqual([100, 300]);
  });
});
