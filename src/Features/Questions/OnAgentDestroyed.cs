using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Questions;

/// <summary>
/// Cancels the questions that a destroyed agent asked, and those put to it. <see cref="ExpireQuestions"/> does so at
/// start for agents whose host was killed first. The first write is queued before the request to destroy is answered,
/// and so before any write of a new agent with that name; questions with higher ids than it finds belong to that new
/// agent.
/// </summary>
internal sealed class OnAgentDestroyed(HostAnswers answers) : ICommitObserver
{
    public void OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed destroyed)
            _ = Cancel(destroyed.Agent);
    }

    private async Task Cancel(string agent)
    {
        long? last = null;
        var after = 0L;
        long[] taken;
        do
        {
            taken = await answers.Answer(Next, Resolution.Cancelled, Principals.System);
            after = taken.LastOrDefault();
        } while (taken.Length == HostAnswers.PerWrite);

        long[] Next(IWrite write)
        {
            if (last is null)
                IdempotencyKeys.Forget(write, agent, "ask");
            last ??= write.Db.ExecuteScalar<long?>("SELECT max(id) FROM questions") ?? 0;
            return
            [
                .. write.Db.Query<long>(
                    PendingOf,
                    new
                    {
                        agent,
                        after,
                        last,
                    }
                ),
            ];
        }
    }

    private static readonly string PendingOf = $"""
        SELECT id
          FROM questions INDEXED BY questions_asker
         WHERE answered_at IS NULL AND asker = @agent AND id > @after AND id <= @last
         UNION ALL
        SELECT id
          FROM questions INDEXED BY questions_target
         WHERE answered_at IS NULL AND target = @agent AND id > @after AND id <= @last
         ORDER BY id
         LIMIT {HostAnswers.PerWrite}
        """;
}
