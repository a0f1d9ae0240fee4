import { Main } from '../../ui/main';
import { ApprovalsSection } from './section';

export function ChangesPage() {
  return (
    <Main feature="approvals" title="CH4NG3S">
      <ApprovalsSection />
    </Main>
  );
}
