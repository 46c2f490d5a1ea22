/** Opens the store in its argument and prints, as JSON, how that ended. */
import { errnoOf } from '@arena-level/common/base/errors';
import { type EngineError, open } from 'arena-level/engine';

try {
  const store = await open(process.argv[2]!, { flush: 'inline' });
  await store.close();
  process.stdout.write(JSON.stringify({ code: 'opened' }));
} catch (error) {
  const { code, message } = error as EngineError;
  process.stdout.write(JSON.stringify({ code, message, errno: errnoOf(error) }));
}
