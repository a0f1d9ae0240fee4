using Dapper;
using Hive.Common.Persistence;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Questions;

/// <summary>
/// Answers <c>[expired]</c> to questions whose time is up, the oldest deadline first, and at start to those whose time ran out meanwhile.
/// It sleeps until the next deadline: nothing is polled.
/// </summary>
internal sealed class ExpireQuestions(IStore store, Resolution resolution, Deadlines deadlines, IRoster roster, TimeProvider clock, IHostApplicationLifetime lifetime) : IHostedService
{
    // Bounds the time others wait for the writer.
    private const int PerWrite = 100;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var pending = await store.Read(db => db.Query<Pending>(Sql).ToList(), cancellationToken);
        string[] gone = [.. pending.SelectMany(q => new[] { q.Asker, q.Target }).OfType<string>().Distinct().Where(name => roster.Find(name) is null)];
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var question in pending)
        {
            // A wall clock that was set back while no host ran makes no wait longer than it was asked for.
            if (question.DeadlineAt is { } at)
                deadlines.Add(question.Id, TimeSpan.FromMilliseconds(Math.Min(at - now, at - question.AskedAt)));
        }

        // Queued before any door opens, and not waited for: a full disk must not keep the host from starting.
        if (gone.Length > 0)
            _ = UntilStored(write => Array.ForEach(gone, name => resolution.CancelOf(write, name)));
        // Only now that all are known: else a timer that rang at once would not take the oldest first.
        deadlines.Ring = () => _ = Expire();
        _ = Expire();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task Expire()
    {
        while (deadlines.TakeDue(PerWrite) is { Length: > 0 } due)
            await UntilStored(write => Array.ForEach(due, id => resolution.TryAnswer(write, id, Resolution.Expired, Resolution.Watchdog, [])));
    }

    private Task UntilStored(Action<IWrite> work) => store.WriteUntilStored(work, clock, lifetime.ApplicationStopping);

    private const string Sql = """
        SELECT id, asker, target, asked_at AS AskedAt, deadline_at AS DeadlineAt
          FROM questions
         WHERE answered_at IS NULL
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
