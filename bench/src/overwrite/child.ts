/** The child process of one run. */
import { answerParent } from '../support/child-run.ts';
import { runOverwrite } from './run.ts';

answerParent(runOverwrite);
