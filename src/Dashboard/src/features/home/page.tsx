import { Main } from '../../ui/main';
import { QuestionsSection } from '../questions';

export function HomePage() {
  return (
    <Main feature="home" title="H0M3">
      <QuestionsSection />
    </Main>
  );
}
