using System.Collections.Concurrent;
using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Questions;

/// <summary>
/// Sets the questions that a destroyed agent asked aside at once, and cancels those put to it after a while, so that
/// a destroy can be taken back before their askers are told. <see cref="ExpireQuestions"/> does so at start for agents
/// whose host was killed first.
/// </summary>
internal sealed class OnAgentDestroyed(
    HostAnswers answers,
    Resolution resolution,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : ICommitObserver, IAgentDataCleanup
{
    /// <summary>For how long a question to a destroyed agent stays open. The page offers to take a destroy back for
    /// eight seconds, and for longer while the operator looks at the offer.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, int> destroyed = new(StringComparer.Ordinal);

    public void OnCommitted(INotification notification)
    {
        if (notification is AgentDestroyed gone)
            End(gone.Agent);
    }

    /// <summary>Ends the questions of a destroyed agent.</summary>
    public void End(string agent)
    {
        _ = answers.Answer(
            write => [.. write.Db.Query<long>(AskedSql, new { agent })],
            Resolution.Cancelled,
            Principals.System,
            agent,
            aside: true
        );
        _ = CancelOwedLater(agent);
    }

    public void Remove(IWrite write, string agent, bool purge)
    {
        if (!purge)
            return;
        Resolution.EndAside(write, agent);
        CancelOwedNow(write, agent);
    }

    public void Return(IWrite write, string agent, bool revived)
    {
        if (revived)
        {
            resolution.Reopen(write, agent);
            return;
        }

        IdempotencyKeys.Forget(write, agent, "ask");
        // Those that could not be set aside when the agent was destroyed.
        foreach (var id in write.Db.Query<long>(AskedSql, new { agent }).ToArray())
            resolution.TryAnswer(write, id, Resolution.Cancelled, Principals.System, []);
        Resolution.EndAside(write, agent);
        CancelOwedNow(write, agent);
    }

    private async Task CancelOwedLater(string agent)
    {
        var times = destroyed.AddOrUpdate(agent, 1, (_, n) => n + 1);
        try
        {
            await Task.Delay(Grace, clock, lifetime.ApplicationStopping);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        // A later destruction has a time of its own.
        if (destroyed.TryRemove(KeyValuePair.Create(agent, times)))
            await CancelOwed(agent, long.MaxValue, agent);
    }

    // Questions with higher ids are put to the new agent of that name.
    private void CancelOwedNow(IWrite write, string agent)
    {
        if (write.Db.ExecuteScalar<long?>(LastOwedSql, new { agent }) is { } last)
            write.AfterCommit(() => _ = CancelOwed(agent, last, gone: null));
    }

    private async Task CancelOwed(string agent, long last, string? gone)
    {
        var after = 0L;
        long[] taken;
        do
        {
            taken = await answers.Answer(
                write =>
                    [
                        .. write.Db.Query<long>(
                            OwedSql,
                            new
                            {
                                agent,
                                after,
                                last,
                            }
                        ),
                    ],
                Resolution.Cancelled,
                Principals.System,
                gone
            );
            after = taken.LastOrDefault();
        } while (taken.Length == HostAnswers.PerWrite);
    }

    // At most as many as an agent may have pending.
    private const string AskedSql = """
        SELECT id
          FROM questions INDEXED BY questions_asker
         WHERE answered_at IS NULL AND asker = @agent
         ORDER BY id
        """;

    private const string LastOwedSql = """
        SELECT max(id)
          FROM questions INDEXED BY questions_target
         WHERE answered_at IS NULL AND target = @agent
        """;

    private static readonly string OwedSql = $"""
        SELECT id
          FROM questions INDEXED BY questions_target
         WHERE answered_at IS NULL AND target = @agent AND id > @after AND id <= @last
         ORDER BY id
         LIMIT {HostAnswers.PerWrite}
        """;
}
