using Dapper;
using Hive.Common;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Questions;

/// <summary>
/// Answers <c>[expired]</c> to questions whose deadline has passed, the earliest first; at start also to those whose
/// deadline passed while no host ran. Waits for the next deadline without polling.
/// </summary>
internal sealed class ExpireQuestions(
    IStore store,
    HostAnswers answers,
    OnAgentDestroyed onAgentDestroyed,
    Deadlines<long> deadlines,
    PendingQuestions waits,
    IRoster roster,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var pending = await store.Read(db => db.Query<Pending>(Sql).ToList(), cancellationToken);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var question in pending)
        {
            waits.Load(
                question.Asker,
                question.Id,
                PendingQuestions.Wait(
                    question.Target,
                    DateTimeOffset.FromUnixTimeMilliseconds(question.AskedAt),
                    question.DeadlineAt is { } due ? DateTimeOffset.FromUnixTimeMilliseconds(due) : null
                )
            );
            // The shorter of both, in case the wall clock was set back while no host ran.
            if (question.DeadlineAt is { } at)
                deadlines.Add(question.Id, TimeSpan.FromMilliseconds(Math.Min(at - now, at - question.AskedAt)));
        }

        // Started before any door opens, and not awaited: a full disk must not keep the host from starting.
        foreach (var gone in pending.SelectMany(q => new[] { q.Asker, q.Target }).OfType<string>().Distinct())
        {
            if (roster.Find(gone) is null)
                onAgentDestroyed.End(gone);
        }

        // After all deadlines are added, so that the earliest is taken first.
        _ = Expire();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task Expire()
    {
        var stopping = lifetime.ApplicationStopping;
        while (!stopping.IsCancellationRequested)
        {
            // Not awaited: a batch that cannot be stored now must not delay later deadlines. The writer keeps order.
            while (deadlines.TakeDue(HostAnswers.PerWrite) is { Length: > 0 } due)
                _ = answers.Answer(_ => due, Resolution.Expired, Resolution.Watchdog);
            await deadlines.WaitForDue(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private const string Sql = """
        SELECT id, asker, target, asked_at, deadline_at
          FROM questions
         WHERE answered_at IS NULL
         ORDER BY id
        """;

    private sealed record Pending
    {
        public required long Id { get; init; }

        public required string Asker { get; init; }

        public string? Target { get; init; }

        public required long AskedAt { get; init; }

        public long? DeadlineAt { get; init; }
    }
}
