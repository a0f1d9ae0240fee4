import { Main } from '../../ui/main';
import { ApprovalsSection } from '../approvals';
import { Inbox, Parked } from '../messages';
import { QuestionsSection } from '../questions';
import { RemindersSection } from '../reminders';

export function WaitingPage() {
  return (
    <Main feature="waiting" title="Y3R C4LL">
      <QuestionsSection />
      <ApprovalsSection />
      <Parked />
      <Inbox />
      <RemindersSection />
    </Main>
  );
}
