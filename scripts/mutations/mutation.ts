/** A mistake that somebody could make, as a change of a few characters, and the test that has to notice it. */
export interface Mutation {
  /** What the changed program does wrong. */
  name: string;
  file: string;
  /** Stands in the file exactly once. */
  find: string;
  replace: string;
  /** The test file that has to fail. */
  test: string;
  /** Part of the name of the tests to run, where not all of the file are needed. */
  only?: string;
}
