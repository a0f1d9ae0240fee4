import { Main } from '../../ui/main';
import { ContainersSection } from './section';

export function AgentsPage() {
  return (
    <Main feature="containers" title="SW4RM">
      <ContainersSection />
    </Main>
  );
}
