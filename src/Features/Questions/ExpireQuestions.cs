using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Questions;

/// <summary>
/// Answers <c>[expired]</c> to questions whose time is up, the oldest deadline first, and at start to those whose time
/// ran out meanwhile.
/// It sleeps until the next deadline: nothing is polled.
/// </summary>
internal sealed class ExpireQuestions(
    IStore store,
    HostAnswers answers,
    Deadlines deadlines,
    IRoster roster,
    TimeProvider clock
) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var pending = await store.Read(db => db.Query<Pending>(Sql).ToList(), cancellationToken);
        long[] orphans = [.. pending.Where(q => IsGone(q.Asker) || IsGone(q.Target)).Select(q => q.Id)];
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var question in pending)
        {
            // A wall clock that was set back while no host ran makes no wait longer than it was asked for.
            if (question.DeadlineAt is { } at)
                deadlines.Add(question.Id, TimeSpan.FromMilliseconds(Math.Min(at - now, at - question.AskedAt)));
        }

        // Begun before any door opens, and not waited for: a full disk must not keep the host from starting.
        _ = Cancel(orphans);
        // Only now that all are known: else a timer that rang at once would not take the oldest first.
        deadlines.Ring = () => _ = Expire();
        _ = Expire();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private bool IsGone(string? name) => name is not null && roster.Find(name) is null;

    // What a kill kept from being done when their asker or target was destroyed.
    private async Task Cancel(long[] ids)
    {
        foreach (var some in ids.Chunk(HostAnswers.PerWrite))
            await answers.Give(_ => some, Resolution.Cancelled, Principals.System);
    }

    private async Task Expire()
    {
        while (deadlines.TakeDue(HostAnswers.PerWrite) is { Length: > 0 } due)
            await answers.Give(_ => due, Resolution.Expired, Resolution.Watchdog);
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
