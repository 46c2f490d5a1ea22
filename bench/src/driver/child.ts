/** The child process of one run. */
import { answerParent } from '../support/child-run.ts';
import { runTask } from './task.ts';

answerParent(runTask);
