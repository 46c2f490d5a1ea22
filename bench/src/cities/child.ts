/** The child process of one ingest. */
import { answerParent } from '../support/child-run.ts';
import { runIngest } from './run.ts';

answerParent(runIngest);
