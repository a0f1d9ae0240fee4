using System.Text.Json;
using Dapper;
using Hive.Features.Approvals;
using Hive.Features.Meta;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Fixture;
using Hive.Tests.Git;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL while inputs are updated: an update that was stored is carried out after the next start, for each
/// agent once.</summary>
public sealed class KilledInputUpdateTests
{
    // Of an update of two agents: it is stored, and for each agent the lock is written and committed.
    private const int Stored = 1;
    private const int WroteTheFirst = 2;
    private const int CommittedTheFirst = 3;
    private const int UpdatedAll = 6;
    private static readonly int[] OfOneAgent = [WroteTheFirst, CommittedTheFirst];

    // Of an approval, from the decision on.
    private const int WorkEnded = 2;

    private static readonly string Steps = typeof(MetaInputs).FullName!;
    private static readonly string[] Agents = ["coder", "writer"];

    public static IEnumerable<TheoryDataRow<string?>> References =>
        Ring.Sample<TheoryDataRow<string?>>([new(null), new("main")], 1);

    [Theory]
    [Sampled]
    [MemberData(nameof(References))]
    public async Task An_answered_update_survives_a_kill_right_after_its_answer(string? reference)
    {
        await using var inputs = await Inputs.Start(reference);
        var rev = inputs.Commit();
        using (var line = await inputs.Host.Operator())
            await line.CallAsync("update_inputs", new { inputs = new[] { "skills" } });
        await inputs.Host.Kill();
        await inputs.MustBecome(rev);
    }

    [Fact]
    [Sampled]
    public async Task A_stored_update_is_carried_out_after_a_kill_at_any_step()
    {
        await using var inputs = await Inputs.Start();
        foreach (var step in Ring.IsLong ? [Stored, WroteTheFirst, CommittedTheFirst, UpdatedAll] : OfOneAgent)
        {
            var rev = inputs.Commit();
            await inputs.UpdateAndDie(step);
            await inputs.MustBecome(rev);
        }
    }

    [Fact]
    public async Task The_newest_of_two_updates_that_are_left_wins()
    {
        await using var inputs = await Inputs.Start();
        var former = inputs.Commit();
        Assert.False(await inputs.UpdateAndDie(Stored));
        var rev = inputs.Commit();
        // As when the former could not be fetched at a start.
        inputs.Copy($"replace(moved, '{former}', '{rev}')");
        await inputs.MustBecome(rev);
    }

    public static IEnumerable<TheoryDataRow<bool>> BesideAnother =>
        Ring.Sample<TheoryDataRow<bool>>([new(true), new(false)], 1);

    [Theory]
    [Sampled]
    [MemberData(nameof(BesideAnother))]
    public async Task An_approved_update_killed_between_two_agents_updates_the_second_one_too(bool besideAnother)
    {
        await using var inputs = await Inputs.Start(reference: null);
        var rev = inputs.Commit();
        var id = await inputs.ApproveAndDie(Steps, CommittedTheFirst);
        // The operator's, which is carried on with first.
        if (besideAnother)
            inputs.Copy("moved");
        await inputs.MustBecome(rev);
        await inputs.MustBeApproved(id);
    }

    [Fact]
    public async Task An_approved_update_killed_when_all_is_done_is_not_done_twice()
    {
        await using var inputs = await Inputs.Start();
        var rev = inputs.Commit();
        var id = await inputs.ApproveAndDie(typeof(Decisions).FullName!, WorkEnded);
        inputs.Commit();
        await inputs.MustBecome(rev);
        await inputs.MustBeApproved(id);
        // A revision that appeared after the approval waits for another one.
        Assert.Equal([rev], (await inputs.Locked()).Select(i => i.LockedRev));
    }

    // The one before has no row any more, and may be about to end.
    private static Task Update(LineClient line) =>
        Patience.Until(
            async () =>
            {
                try
                {
                    await line.CallAsync("update_inputs", new { inputs = new[] { "skills" } });
                    return true;
                }
                catch (HiveException e) when (e.Code == "conflict")
                {
                    return false;
                }
            },
            "no other update is running"
        );

    /// <summary>A host with two agents that have an input.</summary>
    private sealed class Inputs : IAsyncDisposable
    {
        private readonly string source = Directory.CreateTempSubdirectory("hive-input-").FullName;
        private int commits;

        // Stays open until the host has started: the end of the last connection removes the write-ahead log, which the
        // host misses then.
        private SqliteConnection? editing;

        public ChildHost Host { get; private set; } = null!;

        /// <param name="reference">The branch of the input; null for HEAD.</param>
        public static async Task<Inputs> Start(string? reference = "main")
        {
            var inputs = new Inputs();
            Repositories.AsSomebody(inputs.source, "init", "-q", "-b", "main");
            inputs.Commit();
            var branch = reference is null ? "" : $", ref: {reference}";
            inputs.Host = new ChildHost("external", "--Inputs:AllowedPaths", inputs.source);
            foreach (var agent in Agents)
            {
                var applied = Directory.CreateDirectory(Path.Combine(inputs.Host.DataDir, "applied", agent)).FullName;
                await File.WriteAllTextAsync(
                    Path.Combine(applied, "agent.yaml"),
                    $"inputs: {{ skills: {{ url: \"file://{inputs.source}\"{branch} }} }}\n"
                );
            }

            await inputs.Host.RunSteps();
            using var line = await inputs.Host.Operator();
            foreach (var agent in Agents)
                await line.CallAsync("spawn", new { name = agent });
            return inputs;
        }

        /// <summary>Commits a new revision, and returns it.</summary>
        public string Commit()
        {
            File.WriteAllText(Path.Combine(source, "skill.md"), $"revision {++commits}\n");
            Repositories.AsSomebody(source, "add", "-A");
            Repositories.AsSomebody(source, "commit", "-q", "-m", "a change");
            return Repositories.AsSomebody(source, "rev-parse", "HEAD");
        }

        /// <summary>Updates the input as the operator, with a host that dies at that step, before or after its
        /// answer.</summary>
        /// <returns>Whether it was answered.</returns>
        public async Task<bool> UpdateAndDie(int step)
        {
            var isAnswered = !await Host.DiesAt(
                Steps,
                step,
                async () =>
                {
                    using var line = await Host.Operator();
                    await Update(line);
                }
            );
            await Host.Ended.WaitAsync(TimeSpan.FromSeconds(60));
            return isAnswered;
        }

        /// <summary>Requests the update and approves it, with a host that dies at that step.</summary>
        public async Task<long> ApproveAndDie(string category, int step)
        {
            long id;
            using (var manager = await Host.Connect("manager"))
            {
                var asked = await manager.CallAsync("request_update_inputs", new { inputs = new[] { "skills" } });
                id = asked.GetProperty("id").GetInt64();
            }

            await Host.DieAt(category, step);
            using (var line = await Host.Operator())
                await line.Approve(id);
            await Host.Ended.WaitAsync(TimeSpan.FromSeconds(60));
            return id;
        }

        public async Task MustBeApproved(long id)
        {
            using var line = await Host.Operator();
            var end = await line.End(id);
            Assert.Equal(("approved", (string?)null), (end.Status, end.Note));
        }

        /// <summary>Starts the host again: both agents get the revision, each in one commit, and nothing is left to
        /// carry on with.</summary>
        public async Task MustBecome(string rev)
        {
            await Host.RunSteps();
            editing?.Dispose();
            await Patience.Until(() => Task.FromResult(Stored() == 0), $"the update to {rev} has ended");

            Assert.Equal([(rev, Agents.Length)], (await Locked()).Select(i => (i.LockedRev, i.Agents.Count)));
            var meta = Path.Combine(Host.DataDir, "meta");
            var log = Repositories.AsSomebody(meta, "log", "--format=%s", $"--grep=-> {rev[..12]}").Split('\n');
            Assert.Equal(["update skills of coder", "update skills of writer"], log.Order());
        }

        public async Task<MetaInput[]> Locked()
        {
            using var line = await Host.Operator();
            return (await line.CallAsync("inputs"))
                .GetProperty("meta_inputs")
                .Deserialize<MetaInput[]>(WireJson.Options)!;
        }

        /// <summary>Copies the stored update, as one of the operator, while no host runs.</summary>
        public void Copy(string moved)
        {
            editing = Open();
            editing.Open();
            editing.Execute($"INSERT INTO input_updates (moved, asked_at) SELECT {moved}, asked_at FROM input_updates");
        }

        private long Stored()
        {
            using var db = Open();
            return db.ExecuteScalar<long>("SELECT count(*) FROM input_updates");
        }

        private SqliteConnection Open() =>
            new($"Data Source={Path.Combine(Host.DataDir, "hive.sqlite")};Pooling=False");

        public async ValueTask DisposeAsync()
        {
            editing?.Dispose();
            await Host.DisposeAsync();
            Directory.Delete(source, recursive: true);
        }
    }
}
