using Hive.Common.Storage;

namespace Hive.Features.Questions;

/// <summary>The table of all questions, pending and answered.</summary>
internal sealed class QuestionsSchema : ISchema
{
    public string Slice => "questions";

    public int Version => 2;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS questions (
                id            INTEGER PRIMARY KEY AUTOINCREMENT,
                asker         TEXT NOT NULL,
                target        TEXT,
                question      TEXT NOT NULL,
                question_refs TEXT NOT NULL,
                options       TEXT NOT NULL,
                multi         INTEGER NOT NULL DEFAULT 0,
                asked_at      INTEGER NOT NULL,
                deadline_at   INTEGER,
                answer        TEXT,
                answerer      TEXT,
                answered_at   INTEGER,
                answer_refs   TEXT NOT NULL DEFAULT '[]'
            )
            """
        );
        // Cancelled because its asker was destroyed, who was not told: open again when the asker is revived.
        editor.Column("questions", "aside", "INTEGER NOT NULL DEFAULT 0");
        editor.Run("CREATE INDEX IF NOT EXISTS questions_aside ON questions (asker, id) WHERE aside = 1");
        editor.Run("CREATE INDEX IF NOT EXISTS questions_pending ON questions (id) WHERE answered_at IS NULL");
        editor.Run("CREATE INDEX IF NOT EXISTS questions_asker ON questions (asker, id) WHERE answered_at IS NULL");
        editor.Run(
            """
            CREATE INDEX IF NOT EXISTS questions_target ON questions (target, id)
             WHERE answered_at IS NULL AND target IS NOT NULL
            """
        );
        editor.Run(
            "CREATE INDEX IF NOT EXISTS questions_answered ON questions (answered_at, id) WHERE answered_at IS NOT NULL"
        );
    }
}
