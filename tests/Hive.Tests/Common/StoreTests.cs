using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Common;

public sealed class StoreTests
{
    [Fact]
    public async Task A_failing_work_in_a_batch_affects_only_itself()
    {
        await using var rig = new StoreRig();
        var hold = await rig.HoldWriter();
        var writes = Enumerable
            .Range(0, 1000)
            .Select(i =>
                Task.Run(() =>
                    rig.Add(
                        i,
                        _ =>
                        {
                            if (i % 3 == 0)
                                throw new InvalidOperationException($"work {i}");
                        }
                    )
                )
            )
            .ToArray();
        await hold.Release();
        List<int> stored = [];
        for (var i = 0; i < writes.Length; i++)
        {
            if (i % 3 == 0)
            {
                Assert.Equal(
                    $"work {i}",
                    (await Assert.ThrowsAsync<InvalidOperationException>(() => writes[i])).Message
                );
                continue;
            }

            await writes[i];
            stored.Add(i);
        }

        Assert.Equal(stored, (await rig.Values()).Order());
        // Exactly the stored rows are published, in the order of their ids.
        Assert.Equal(await rig.Values(), rig.Published.Cast<StoreRig.RowAdded>().Select(p => p.Value));
    }

    [Fact]
    public async Task A_failed_statement_affects_only_its_work()
    {
        await using var rig = new StoreRig();
        var hold = await rig.HoldWriter();
        var good = rig.Add(1);
        var bad = rig.Add(2, write => write.Db.Execute("INSERT INTO rows (value) VALUES (NULL)"));
        var recovered = rig.Add(
            3,
            write => Assert.ThrowsAny<Exception>(() => write.Db.Execute("SELECT * FROM nowhere"))
        );
        await hold.Release();
        await good;
        await Assert.ThrowsAsync<Microsoft.Data.Sqlite.SqliteException>(() => bad);
        await recovered;
        Assert.Equal([1, 3], await rig.Values());
    }

    [Fact]
    public async Task A_rolled_back_work_publishes_nothing_and_runs_no_after_commit_action()
    {
        await using var rig = new StoreRig();
        var ran = new List<string>();
        var hold = await rig.HoldWriter();
        var before = rig.Add(1, write => write.AfterCommit(() => ran.Add("before")));
        var failing = rig.Add(
            2,
            write =>
            {
                write.AfterCommit(() => ran.Add("failing"));
                throw new InvalidOperationException();
            }
        );
        var after = rig.Add(3, write => write.AfterCommit(() => ran.Add("after")));
        await hold.Release();
        await before;
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        await after;
        Assert.Equal([new StoreRig.RowAdded(1), new StoreRig.RowAdded(3)], rig.Published);
        // Observers hear that it was undone.
        Assert.Equal([new StoreRig.RowAdded(2)], rig.Undone);
        Assert.Equal(["before", "after"], ran);
    }

    [Fact]
    public async Task Only_the_failed_work_undoes_its_changes_of_memory_newest_first()
    {
        await using var rig = new StoreRig();
        List<string> undone = [];
        var hold = await rig.HoldWriter();
        var good = rig.Add(1, write => write.OnRollback(() => undone.Add("good")));
        var failing = rig.Add(
            2,
            write =>
            {
                foreach (var step in new[] { "first", "second", "third" })
                    write.OnRollback(() => undone.Add(step));
                throw new InvalidOperationException();
            }
        );
        await hold.Release();
        await good;
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        Assert.Equal(["third", "second", "first"], undone);
    }

    [Fact]
    public async Task A_failed_commit_fails_its_batch_as_unavailable_and_the_store_continues()
    {
        await using var rig = new StoreRig();
        await rig.Add(0);
        List<string> undone = [];
        var hold = await rig.HoldWriter();
        var innocent = rig.Add(
            1,
            write =>
            {
                write.OnRollback(() => undone.Add("innocent"));
                write.AfterCommit(() => undone.Add("never"));
            }
        );
        var guilty = rig.Add(
            2,
            write =>
            {
                write.OnRollback(() => undone.Add("guilty"));
                write.Db.Execute("INSERT INTO loose (parent) VALUES (4711)");
            }
        );
        var alreadyFailed = rig.Add(3, _ => throw new InvalidOperationException());
        await hold.Release();
        foreach (var failed in new Task[] { innocent, guilty, alreadyFailed })
            Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<Problem>(() => failed)).Code);
        Assert.Equal(["guilty", "innocent"], undone);
        Assert.Equal([0], await rig.Values());
        await rig.Add(4);
        Assert.Equal([0, 4], await rig.Values());
        Assert.Equal([new StoreRig.RowAdded(0), new StoreRig.RowAdded(4)], rig.Published);
        Assert.Equal([new StoreRig.RowAdded(3), new StoreRig.RowAdded(1), new StoreRig.RowAdded(2)], rig.Undone);
    }

    [Fact]
    public async Task A_work_can_be_withdrawn_only_before_it_starts()
    {
        await using var rig = new StoreRig();
        using var cancelled = new CancellationTokenSource();
        var hold = await rig.HoldWriter();
        var withdrawn = rig.Store.Write(
            write => write.Db.Execute("INSERT INTO rows (value) VALUES (1)"),
            cancelled.Token
        );
        using var running = new CancellationTokenSource();
        var started = rig.Store.Write(
            write =>
            {
                running.Cancel();
                return write.Db.Execute("INSERT INTO rows (value) VALUES (2)");
            },
            running.Token
        );
        cancelled.Cancel();
        await hold.Release();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => withdrawn);
        await started;
        Assert.Equal([2], await rig.Values());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rig.Store.Write(_ => 0, cancelled.Token));
    }

    [Fact]
    public async Task A_read_completes_while_a_work_runs_and_sees_nothing_of_it()
    {
        await using var rig = new StoreRig();
        await rig.Add(1);
        var entered = new TaskCompletionSource();
        using var release = new ManualResetEventSlim();
        var writing = rig.Add(
            2,
            _ =>
            {
                entered.SetResult();
                release.Wait();
            }
        );
        await entered.Task;
        Assert.Equal([1], await rig.Values());
        release.Set();
        await writing;
        Assert.Equal([1, 2], await rig.Values());
    }

    [Fact]
    public async Task A_read_sees_one_consistent_state_during_writes()
    {
        await using var rig = new StoreRig();
        await rig.Add(1);
        using var written = new ManualResetEventSlim();
        var begun = new TaskCompletionSource();
        var reading = rig.Store.Read(db =>
        {
            var before = db.ExecuteScalar<int>("SELECT count(*) FROM rows");
            begun.SetResult();
            written.Wait();
            return (before, After: db.ExecuteScalar<int>("SELECT count(*) FROM rows"));
        });
        await begun.Task;
        for (var i = 0; i < 10; i++)
            await rig.Add(i);
        written.Set();
        Assert.Equal((1, 1), await reading);
    }

    [Fact]
    public async Task A_reader_cannot_write()
    {
        await using var rig = new StoreRig();
        await Assert.ThrowsAnyAsync<Exception>(() =>
            rig.Store.Read(db => db.Execute("INSERT INTO rows (value) VALUES (1)"))
        );
        Assert.Empty(await rig.Values());
    }

    [Fact]
    public async Task Ids_are_never_reused_after_rollback_deletion_or_restart()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        HashSet<long> given = [];
        for (var run = 0; run < 3; run++)
        {
            var rig = new StoreRig(folder);
            for (var i = 0; i < 20; i++)
            {
                Assert.True(given.Add(await rig.Add(i)));
                await Assert.ThrowsAsync<InvalidOperationException>(() =>
                    rig.Add(i, _ => throw new InvalidOperationException())
                );
                // The newest row is deleted, and its id must not be reused.
                await rig.Store.Write(write =>
                    write.Db.Execute("DELETE FROM rows WHERE id = (SELECT max(id) FROM rows)")
                );
            }

            rig.Store.Dispose();
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Answered_writes_survive_closing_and_reopening_the_store()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var first = new StoreRig(folder);
        var writes = Enumerable.Range(0, 2000).Select(i => first.Add(i)).ToArray();
        // Closing finishes queued writes.
        first.Store.Dispose();
        await Task.WhenAll(writes);
        Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<Problem>(() => first.Add(1))).Code);
        await using var second = new StoreRig(folder);
        Assert.Equal(2000, (await second.Values()).Count);
    }

    [Fact]
    public async Task The_WAL_is_overwritten_under_load_and_all_of_it_is_copied_when_idle()
    {
        // 200 MiB, in commits of 1 MiB: three times as much as makes the writer copy the WAL itself.
        const int Commits = 200;
        await using var rig = new StoreRig(schemas: [new StoreRig.Rows(), new Blobs()]);
        var path = Path.Combine(rig.Folder, "hive.sqlite");
        for (var i = 0; i < Commits; i++)
            await rig.Store.Write(write => write.Db.Execute("INSERT INTO blobs (data) VALUES (zeroblob(1048576))"));
        Assert.InRange(new FileInfo($"{path}-wal").Length, 1, 150 << 20);

        await Patience.Until(
            () => Task.FromResult(File.ReadAllText($"{path}-commits").StartsWith("open", StringComparison.Ordinal)),
            "an idle store copies its WAL"
        );
        File.Copy(path, $"{path}-alone");
        await using var alone = new SqliteConnection($"Data Source={path}-alone;Pooling=False");
        Assert.Equal(Commits, await alone.ExecuteScalarAsync<int>("SELECT count(*) FROM blobs"));
    }

    [Fact]
    public void Every_connection_waits_for_a_lock_that_another_one_holds_for_a_moment()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        try
        {
            var file = new DatabaseFile(Path.Combine(folder, "hive.sqlite"));
            foreach (var open in (Func<CachedConnection>[])[file.OpenWriter, file.OpenReader, file.OpenCopier])
            {
                using var connection = open();
                Assert.Equal(5000, connection.ExecuteScalar<long>("PRAGMA busy_timeout"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class Blobs : ISchema
    {
        public string Slice => "blobs";

        public int Version => 1;

        public void Converge(SchemaEditor editor) =>
            editor.Run("CREATE TABLE IF NOT EXISTS blobs (id INTEGER PRIMARY KEY, data BLOB NOT NULL)");
    }
}
