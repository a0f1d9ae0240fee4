import { Main } from '../../ui/main';
import { Flow } from './section';

export function MessagesPage() {
  return (
    <Main feature="messages" title="FL0W">
      <Flow />
    </Main>
  );
}
