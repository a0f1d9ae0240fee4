using Hive.Tests.Fixture;
using Hive.Tests.Forge;
using Hive.Tests.Git;
using Hive.Tests.Tasks;

namespace Hive.Tests.Gates;

/// <summary>Commits as evidence that are pushed to a forge, and looked for in a branch of it.</summary>
public sealed class ForgeEvidenceTests
{
    private const StringComparison Ordinal = StringComparison.Ordinal;
    private const string Shop = "forge:agents/shop";

    private const string Merged = """
        tasks:
          - type: implement_feature
            title: "Implement: {ticket_title}"
        gate:
          criteria:
            - tasks_complete: true
            - artifact: code_changes
              commit: { merged_into: main }
        """;

    [Fact]
    public async Task A_gate_passes_once_the_commit_is_in_the_forges_branch()
    {
        await using var forge = await StandInForge.Start();
        await using var rig = await ReviewRig.Start(
            Merged,
            "--Forge:Url",
            forge.Url,
            "--Forge:User",
            StandInForge.AdminName,
            "--Forge:Password",
            forge.AdminPassword
        );
        await rig.Agent("alice", "worker");
        await rig.Host.CallAsync("forge_sync");
        var folder = rig.Repository("alice");
        var pushed = forge.Repository("agents/shop");
        Repositories.AsSomebody(folder, "clone", "-q", "--bare", folder, pushed);
        Repositories.AsSomebody(folder, "checkout", "-q", "-b", "feature");
        var sha = ReviewRig.Commit(folder, "feature");
        Repositories.AsSomebody(folder, "push", "-q", pushed, "feature");
        var ticket = await rig.Ticket(repository: Shop);

        await rig.Complete(await rig.Next("alice"), ReviewRig.Changes(sha, Shop));
        var rework = await rig.Next("alice");
        Assert.Contains(
            $"main of {Shop} does not contain commit {sha[..12]}; merge it",
            rework.Message.Text("description"),
            Ordinal
        );

        // A forge that fails for a while leaves the gate open, and nobody is asked to work again.
        Repositories.AsSomebody(folder, "push", "-q", pushed, "feature:main");
        forge.Pause();
        await rig.Complete(rework);
        await Patience.Until(
            async () =>
                (await rig.Gate(ticket)).BlockingReasons is [var only] && only.Contains("cannot be looked at", Ordinal),
            "the gate says that it cannot look"
        );
        Assert.Equal("PHASE_WORK", await rig.PhaseOf(ticket));
        forge.Resume();
        Assert.Equal("passed", (await rig.Gate(ticket, judge: true)).GateStatus);
        await rig.Ended(ticket);
        Assert.Equal(2, (await rig.Tasks(ticket)).Length);
    }
}
