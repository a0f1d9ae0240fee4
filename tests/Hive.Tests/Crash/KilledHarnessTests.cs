using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Dapper;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Turns;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL to the harness, to its turns' program and to the host, one after the other, while turns
/// run.</summary>
public sealed class KilledHarnessTests
{
    private static readonly int Messages = Ring.Count(60, inLong: 500);
    private static readonly int Kills = Ring.Count(3, inLong: 18);

    [Fact]
    [Sampled]
    public async Task Every_message_is_handled_and_answered_once_and_every_turn_is_counted()
    {
        await using var host = await ChildHost.Start();
        using (var line = await host.Operator())
        {
            await line.CallAsync("spawn", new { name = "worker", runtime = "external" });
            for (var i = 0; i < Messages; i++)
                await line.CallAsync("send", new { to = "worker", body = $"{i}" });
        }

        using var work = new Work(host);
        using (var harness = new Harness(host, work))
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                await work.HandledAsync((kill + 1) * Messages / (Kills + 1));
                await (
                    (kill % 3) switch
                    {
                        0 => KilledInTurn(harness, work),
                        1 => work.KilledAsync(),
                        _ => Killed(host),
                    }
                );
            }

            await work.HandledAsync(Messages);
            using var worker = await host.Connect("worker");
            // The end of the last turn, and of repeated ones.
            await Patience.Until(async () => await worker.Status() == (0, 0, 0), "no message is left");
            await harness.StoppedAsync();
        }

        Dictionary<long, JsonElement> told = [];
        using (var line = await host.Operator())
        {
            while ((
                    await line.CallAsync(
                        "turns",
                        new
                        {
                            name = "worker",
                            limit = 200,
                            before = told.Keys.DefaultIfEmpty(long.MaxValue).Min(),
                        }
                    )
                ).GetProperty("turns").EnumerateArray().ToArray() is { Length: > 0 } page)
            {
                foreach (var row in page)
                    told.Add(row.Number("id")!.Value, row);
            }

            var sums = Assert.Single(
                (await line.CallAsync("stats", new { window = "1h" })).GetProperty("agents").EnumerateArray()
            );
            Assert.Equal(
                (told.Count, told.Values.Sum(t => t.Number("duration_ms") ?? 0)),
                (sums.Number("turns"), sums.Number("duration_ms"))
            );
        }

        // Harness and host agree: each turn that the harness ran is stored with its end, and turns that it could not
        // end are lost.
        var kept = work.Kept();
        Assert.All(
            kept,
            turn =>
                Assert.Equal(
                    (turn.Value.Result, turn.Value.DurationMs),
                    (told[turn.Key].Word("result"), told[turn.Key].Number("duration_ms"))
                )
        );
        Assert.All(told.Where(t => !kept.ContainsKey(t.Key)), t => Assert.Equal("lost", t.Value.Word("result")));
        Assert.Equal(Messages, kept.Values.Count(t => t.Result == "ok"));
        Assert.Contains(kept.Values, t => t.Result == "failed");
        Assert.True(told.Count > kept.Count);

        // The program began no message after its ack, left none out, and answered each once.
        var acked = work.Acked(host);
        Assert.Equal(Messages, acked.Count);
        var begun = work.Begun;
        Assert.Equal(acked.Keys.Order(), begun.Select(b => b.Message).Distinct().Order());
        Assert.All(
            begun,
            b =>
                Assert.True(
                    b.At <= acked[b.Message],
                    $"message {b.Message} was acked at {acked[b.Message]} and begun again at {b.At}"
                )
        );
        Assert.True(begun.Count > Messages);
        Assert.Equal(acked.Keys.Order().Select(id => (id, $"done {id}")), work.Answers(host));
    }

    // Its turn is lost.
    private static async Task KilledInTurn(Harness harness, Work work)
    {
        await work.HeldAsync();
        await harness.KilledAsync();
        work.Release();
    }

    private static async Task Killed(ChildHost host)
    {
        await host.Kill();
        await host.Run();
    }

    /// <summary>The program that runs the turns, and its notes: when it began each message, and when it was
    /// done.</summary>
    private sealed class Work : IDisposable
    {
        private readonly string folder;
        private readonly FileSystemWatcher watcher;
        private readonly CancellationTokenSource patience = new(TimeSpan.FromMinutes(10));

        // Not disposed: the watcher may raise one more event.
        private readonly SemaphoreSlim changed = new(0);

        public Work(ChildHost host)
        {
            folder = Directory.CreateDirectory(Path.Combine(host.Folder, "work")).FullName;
            watcher = new FileSystemWatcher(folder, "*")
            {
                NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.FileName,
            };
            watcher.Changed += (_, _) => changed.Release();
            watcher.Deleted += (_, _) => changed.Release();
            watcher.EnableRaisingEvents = true;
            File.WriteAllText(
                Path.Combine(Path.GetDirectoryName(host.Socket("worker"))!, "agent.yaml"),
                $"""
                driver: command
                command:
                - sh
                - -c
                - |
                  cat >/dev/null
                  echo "$HIVE_MESSAGE_ID $(date +%s%3N)" >>{folder}/begun
                  if [ -e {folder}/die ]; then rm {folder}/die; kill -9 $$; fi
                  if [ -e {folder}/hold ]; then mkfifo {folder}/held; rm {folder}/hold; cat {folder}/held; exit 1; fi
                  echo "done $HIVE_MESSAGE_ID" >>{folder}/done
                  echo "done $HIVE_MESSAGE_ID"
                """
            );
        }

        public string State => folder;

        /// <summary>Lets a test fail instead of hang when a message is never delivered.</summary>
        private CancellationToken Waits => patience.Token;

        public IReadOnlyList<(long Message, long At)> Begun =>
            [
                .. File.ReadAllLines(Path.Combine(folder, "begun"))
                    .Select(l => l.Split(' '))
                    .Select(l =>
                        (long.Parse(l[0], CultureInfo.InvariantCulture), long.Parse(l[1], CultureInfo.InvariantCulture))
                    ),
            ];

        /// <summary>Waits until that many different messages have been handled.</summary>
        public async Task HandledAsync(int messages)
        {
            var done = Path.Combine(folder, "done");
            while (!File.Exists(done) || (await File.ReadAllLinesAsync(done)).Distinct().Count() < messages)
                await changed.WaitAsync(Waits);
        }

        /// <summary>Kills the next program with SIGKILL.</summary>
        public Task KilledAsync() => Met("die");

        /// <summary>Holds the next program until it is released; it fails then.</summary>
        public Task HeldAsync() => Met("hold");

        public void Release()
        {
            var held = Path.Combine(folder, "held");
            // For both, so that it does not wait for a program that is gone.
            File.Open(held, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
            File.Delete(held);
        }

        // The next program removes the file.
        private async Task Met(string name)
        {
            var file = Path.Combine(folder, name);
            await File.WriteAllTextAsync(file, "");
            while (File.Exists(file))
                await changed.WaitAsync(Waits);
        }

        /// <summary>The turns that the harness has stored; all of them have been reported to the host.</summary>
        public Dictionary<long, (string Result, long DurationMs)> Kept()
        {
            using var db = new SqliteConnection(
                $"Data Source={Path.Combine(folder, "hive-turn-stats.sqlite")};Mode=ReadOnly;Pooling=False"
            );
            Assert.Equal(0, db.ExecuteScalar<long>("SELECT count(*) FROM turn_stats WHERE sent_at IS NULL"));
            return db.Query<(long Id, string Result, long Duration)>(
                    "SELECT id, result_kind, duration_ms FROM turn_stats"
                )
                .ToDictionary(t => t.Id, t => (t.Result, t.Duration));
        }

        /// <summary>When each message to the worker was acked, in unix milliseconds.</summary>
        public Dictionary<long, long> Acked(ChildHost host) =>
            Host(
                host,
                db =>
                    db.Query<(long Id, long At)>(
                            "SELECT id, acked_at FROM messages WHERE recipient = 'worker' AND acked_at IS NOT NULL"
                        )
                        .ToDictionary(m => m.Id, m => m.At)
            );

        /// <summary>The answer to each message.</summary>
        public (long, string)[] Answers(ChildHost host) =>
            Host(
                host,
                db =>
                    db.Query<(long, string)>(
                            "SELECT in_reply_to, body FROM messages "
                                + "WHERE recipient = 'operator' AND sender = 'worker' ORDER BY in_reply_to"
                        )
                        .ToArray()
            );

        public void Dispose()
        {
            watcher.Dispose();
            patience.Dispose();
        }

        private static T Host<T>(ChildHost host, Func<SqliteConnection, T> query)
        {
            using var db = new SqliteConnection(
                $"Data Source={Path.Combine(host.DataDir, "hive.sqlite")};Mode=ReadOnly;Pooling=False"
            );
            return query(db);
        }
    }

    /// <summary>The real harness, started again after its kill as a container would be.</summary>
    private sealed class Harness : IDisposable
    {
        private readonly ChildHost host;
        private readonly Work work;
        private Process process;

        public Harness(ChildHost host, Work work)
        {
            (this.host, this.work) = (host, work);
            process = Start();
        }

        public async Task KilledAsync()
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            process = Start();
        }

        public async Task StoppedAsync()
        {
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
        }

        public void Dispose()
        {
            process.Kill();
            process.Dispose();
        }

        private Process Start()
        {
            var started = Built.Start(
                Built.Agent,
                ["serve", "--socket", host.Socket("worker")],
                ("HIVE_STATE_DIR", work.State)
            );
            _ = started.StandardOutput.ReadToEndAsync();
            _ = started.StandardError.ReadToEndAsync();
            return started;
        }
    }
}
