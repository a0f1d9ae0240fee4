using System.Net.Sockets;
using System.Text.Json;
using Hive.Features.Meta;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Hive.Tests.Approvals;
using Hive.Tests.Git;

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

    private static readonly string Steps = typeof(MetaInputs).FullName!;
    private static readonly string[] Agents = ["coder", "writer"];

    [Fact]
    public async Task An_answered_update_survives_a_kill_right_after_its_answer()
    {
        await using var inputs = await Inputs.Start();
        var rev = inputs.Commit();
        using (var line = await inputs.Host.Operator())
            await line.CallAsync("update_inputs", new { inputs = new[] { "skills" } });
        await inputs.Host.Kill();
        await inputs.MustBecome(rev);
    }

    [Fact]
    public async Task A_stored_update_is_carried_out_after_a_kill_at_any_step()
    {
        await using var inputs = await Inputs.Start();
        foreach (var step in new[] { Stored, WroteTheFirst, CommittedTheFirst, UpdatedAll })
        {
            var rev = inputs.Commit();
            await inputs.Host.DieAt(Steps, step);
            try
            {
                using var line = await inputs.Host.Operator();
                await line.CallAsync("update_inputs", new { inputs = new[] { "skills" } });
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // Killed before the answer.
            }

            await inputs.Host.Ended.WaitAsync(TimeSpan.FromSeconds(60));
            await inputs.MustBecome(rev);
        }
    }

    [Fact]
    public async Task An_approved_update_killed_between_two_agents_updates_the_second_one_too()
    {
        await using var inputs = await Inputs.Start();
        var rev = inputs.Commit();
        long id;
        using (var manager = await inputs.Host.Connect("manager"))
        {
            var asked = await manager.CallAsync("request_update_inputs", new { inputs = new[] { "skills" } });
            id = asked.GetProperty("id").GetInt64();
        }

        await inputs.Host.DieAt(Steps, CommittedTheFirst);
        using (var line = await inputs.Host.Operator())
            await line.Approve(id);
        await inputs.Host.Ended.WaitAsync(TimeSpan.FromSeconds(60));
        await inputs.MustBecome(rev);
        using var host = await inputs.Host.Operator();
        var end = await host.End(id);
        Assert.Equal(("approved", (string?)null), (end.Status, end.Note));
    }

    /// <summary>A host with two agents that have an input.</summary>
    private sealed class Inputs : IAsyncDisposable
    {
        private readonly string source = Directory.CreateTempSubdirectory("hive-input-").FullName;
        private int commits;

        public CrashingHost Host { get; private set; } = null!;

        public static async Task<Inputs> Start()
        {
            var inputs = new Inputs();
            Repositories.AsSomebody(inputs.source, "init", "-q", "-b", "main");
            inputs.Commit();
            inputs.Host = new CrashingHost("external", "--Inputs:AllowedPaths", inputs.source);
            foreach (var agent in Agents)
            {
                var applied = Directory.CreateDirectory(Path.Combine(inputs.Host.DataDir, "applied", agent)).FullName;
                await File.WriteAllTextAsync(
                    Path.Combine(applied, "agent.yaml"),
                    $"inputs: {{ skills: {{ url: \"file://{inputs.source}\", ref: main }} }}\n"
                );
            }

            await inputs.Host.Run();
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

        /// <summary>Starts the host again: both agents get the revision, each in one commit.</summary>
        public async Task MustBecome(string rev)
        {
            await Host.Run();
            using var line = await Host.Operator();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            MetaInput[] now;
            do
            {
                Assert.False(patience.IsCancellationRequested, $"not all agents have {rev}");
                now = (await line.CallAsync("inputs"))
                    .GetProperty("meta_inputs")
                    .Deserialize<MetaInput[]>(WireJson.Options)!;
            } while (now is not [{ Agents.Count: 2 } only] || only.LockedRev != rev);
            var meta = Path.Combine(Host.DataDir, "meta");
            var log = Repositories.AsSomebody(meta, "log", "--format=%s", $"--grep=-> {rev[..12]}").Split('\n');
            Assert.Equal(["update skills of coder", "update skills of writer"], log.Order());
            // Nothing is left to carry on with: another update can begin.
            while (true)
            {
                try
                {
                    await line.CallAsync("update_inputs", new { inputs = new[] { "skills" } });
                    break;
                }
                catch (HiveException e) when (e.Code == "conflict" && !patience.IsCancellationRequested)
                {
                    // The last agent's update ends.
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            Directory.Delete(source, recursive: true);
        }
    }
}
