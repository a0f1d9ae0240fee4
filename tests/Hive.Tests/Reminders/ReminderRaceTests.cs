using System.Net.Sockets;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Reminders;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Reminders;

/// <summary>Cancels or retries a reminder, or destroys its agent, at the moment of its delivery.</summary>
public sealed class ReminderRaceTests
{
    private static readonly int Times = Ring.Count(2, inLong: 20);

    [Flags]
    private enum Who
    {
        Agent = 1,
        Operator = 2,
        Retry = 4,
        Destroy = 8,
        All = 15,
    }

    [Fact]
    [Sampled]
    public async Task A_reminder_is_either_delivered_or_cancelled_and_removed_once()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http();
        var (store, pending) = (
            hive.Services.GetRequiredService<IStore>(),
            hive.Services.GetRequiredService<PendingReminders>()
        );
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var cursor = await hive.Cursor();
        var events = await hive.Events(cursor);
        for (var who = (Who)1; who <= Who.All; who++)
        {
            for (var time = 0; time < Times; time++)
            {
                var name = $"a{(int)who}-{time}";
                await hive.Spawn(name);
                using var alice = await LineClient.ConnectAsync(hive.AgentSocket(name));
                // Due at once, or when the clock is moved while the others act.
                var atOnce = time % 2 == 0;
                var id = await alice.Remind("now or never", atOnce ? 0 : 1);
                var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                var cancelled = new[]
                {
                    Join(Who.Agent, () => Code(() => alice.CallAsync("cancel_reminder", new { id }))),
                    Join(Who.Operator, () => http.Post($"/cancel-reminder/{id}")),
                };
                var retried = Join(Who.Retry, () => http.Post($"/retry-reminder/{id}"));
                var destroyed = Join(Who.Destroy, () => Code(() => host.CallAsync("destroy", new { name })));
                var due = After(() =>
                    Task.Run(() =>
                    {
                        if (!atOnce)
                            hive.Clock.Advance(TimeSpan.FromSeconds(1));
                        return (string?)null;
                    })
                );
                start.SetResult();
                var codes = await Task.WhenAll(cancelled);
                await Task.WhenAll(retried, destroyed, due);

                // One event when it was set, one if it was retried in time, and one at its end.
                List<string> seen = [];
                do
                {
                    var next = await events.Next("reminder_changed", "reminder_removed");
                    seen.Add(next.GetProperty("kind").GetString()!);
                    Assert.Equal(
                        id,
                        next.TryGetProperty("reminder", out var changed)
                            ? changed.GetProperty("id").GetInt64()
                            : next.GetProperty("id").GetInt64()
                    );
                } while (seen[^1] != "reminder_removed");
                await hive.Settled();
                Assert.Equal(
                    await retried is null
                        ? ["reminder_changed", "reminder_changed", "reminder_removed"]
                        : (string[])["reminder_changed", "reminder_removed"],
                    seen
                );

                var came = await store.Read(db =>
                    db.ExecuteScalar<int>(
                        "SELECT count(*) FROM messages WHERE recipient = @name AND sender = 'reminder'",
                        new { name }
                    )
                );
                var open = await store.Read(db =>
                    db.ExecuteScalar<int>(
                        "SELECT count(*) FROM reminders WHERE agent = @name AND sent_at IS NULL",
                        new { name }
                    )
                );
                var cancelledCount = codes.Count(c => c is null);
                Assert.Equal((0, 0), (open, pending.Of(name)));
                if (!who.HasFlag(Who.Destroy))
                {
                    Assert.Equal(1, came + cancelledCount);
                    Assert.Equal((came, 0, 0), await alice.Status());
                    Assert.All(codes, c => Assert.True(c is null or "not_found" or Absent, c));
                    continue;
                }

                // The agent may be destroyed before the delivery, and its connection may end before it gets its own
                // answer.
                Assert.True(came + cancelledCount <= 1, $"{came} came, {cancelledCount} cancelled");
                Assert.Null(await destroyed);

                Task<string?> Join(Who one, Func<Task<string?>> act) =>
                    who.HasFlag(one) ? After(act) : Task.FromResult<string?>(Absent);

                async Task<string?> After(Func<Task<string?>> act)
                {
                    await start.Task;
                    return await act();
                }
            }
        }

        // No reminder was removed a second time later.
        var removed = (await hive.ReminderEvents(cursor))
            .Where(e => e.StartsWith("removed ", StringComparison.Ordinal))
            .ToArray();
        Assert.Equal(Times * (int)Who.All, removed.Length);
        Assert.Equal(removed.Distinct(), removed);
        Assert.Empty(await hive.Reminders());
    }

    private const string Absent = "took no part";

    private static async Task<string?> Code(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (HiveException refused)
        {
            return refused.Code;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return "gone";
        }
    }
}
