using Hive.Protocol;

namespace Hive.Tests.Forge;

/// <summary>Other users of the forge get nothing of Hive's.</summary>
public sealed class StrangerTests
{
    [Fact]
    public async Task Nothing_is_pushed_to_an_organisation_agents_with_other_members()
    {
        await using var rig = await ForgeRig.Start(forge =>
        {
            forge.AddUser("mallory");
            forge.AddOrganisation("agents", "mallory");
        });
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        const string Said = "the organisation 'agents' on the forge is not only Hive's";
        Assert.StartsWith(Said, view.Repositories.Single(r => r.Agent == "alice").Error, StringComparison.Ordinal);
        Assert.False(rig.Forge.HasRepository("agents/alice"));
        // Repositories outside of it are pushed, and agents have their accounts.
        Assert.Equal(rig.Refs(null), rig.Forge.Refs("core/meta"));
        Assert.True(rig.Account(view, "alice").HasToken);

        // Not even when Hive's own account is a member too.
        rig.Forge.SetMembers("agents", "core", "mallory");
        view = await rig.Sync();
        Assert.Contains(
            "'mallory' is in it",
            view.Repositories.Single(r => r.Agent == "alice").Error,
            StringComparison.Ordinal
        );
        // A site admin can see everything in any case.
        rig.Forge.SetMembers("agents", "core", StandInForge.AdminName);
        view = await rig.Sync();
        Assert.All(view.Repositories, r => Assert.Equal((false, null), (r.Behind, r.Error)));
        Assert.Equal(rig.Refs("alice"), rig.Forge.Refs("agents/alice"));
    }

    [Fact]
    public async Task A_public_repository_is_made_private_and_one_with_collaborators_is_not_pushed()
    {
        await using var rig = await ForgeRig.Start(forge => forge.AddUser("mallory"));
        await rig.Hive.Spawn("alice", "bob");
        await rig.Sync();
        rig.Forge.Open("agents/alice", "mallory");
        rig.Forge.Open("agents/bob", "bob", StandInForge.AdminName);
        Assert.True(rig.Forge.IsOpen("agents/bob"));
        var view = await rig.Sync();

        Assert.False(rig.Forge.IsOpen("agents/alice") || rig.Forge.IsOpen("agents/bob"));
        Assert.Equal(
            "'mallory' is a collaborator of agents/alice on the forge, so nothing is pushed there; remove that "
                + "collaborator (Settings → Collaborators), or remove the repository",
            view.Repositories.Single(r => r.Agent == "alice").Error
        );
        Assert.All(
            view.Repositories.Where(r => r.Agent != "alice"),
            r => Assert.Equal((false, null), (r.Behind, r.Error))
        );
        rig.Forge.SetCollaborators("agents/alice");
        view = await rig.Sync();
        Assert.All(view.Repositories, r => Assert.Equal((false, null), (r.Behind, r.Error)));
    }

    [Fact]
    public async Task Losing_the_admin_rights_of_Hives_own_account_is_reported()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        rig.Forge.SetAdmin("core", false);
        var view = await rig.Sync();

        Assert.Equal(ForgeState.Up, view.State);
        Assert.Equal(
            "Hive's own account 'core' is not a site admin on the forge any more; make it one there (Site "
                + "administration → User accounts)",
            view.Note
        );
        rig.Forge.SetAdmin("core", true);
        Assert.Null((await rig.Sync()).Note);
    }
}
