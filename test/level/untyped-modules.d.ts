/** What the tests use of packages that bring no types. */
declare module 'tape' {
  namespace tape {
    /** What a stream of objects tells of an assertion; others have other types. */
    interface Row {
      readonly type: 'assert' | 'test' | 'end';
      readonly name?: string;
      readonly ok?: boolean;
      readonly skip?: unknown;
      readonly todo?: unknown;
    }
    interface Harness {
      (name: string, run: (t: unknown) => unknown): void;
      createStream(options: { readonly objectMode: true }): NodeJS.ReadableStream;
    }
    function createHarness(): Harness;
  }
  export = tape;
}

declare module 'abstract-level/test/index.js' {
  import type { AbstractLevel } from 'abstract-level';
  import type { Harness } from 'tape';

  function suite(options: {
    readonly test: Harness;
    readonly factory: (options?: object) => AbstractLevel<string | Buffer | Uint8Array>;
  }): void;
  export = suite;
}
