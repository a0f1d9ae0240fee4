using Hive.Protocol;
using Hive.Tests.Common;
using Hive.Tests.Fixture;

namespace Hive.Tests.Forge;

/// <summary>Accounts and tokens on the forge.</summary>
public sealed class AccountTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly string[] Scopes =
    [
        "read:user",
        "write:user",
        "write:repository",
        "write:issue",
        "write:organization",
        "write:misc",
    ];

    [Fact]
    public async Task Every_agent_gets_a_user_of_its_name_and_a_token_in_its_own_folder()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice", "bob");
        var view = await rig.Sync();

        Assert.Equal((ForgeState.Up, "http", (string?)null), (view.State, view.Mode, view.Note));
        Assert.Equal(["alice", "bob", StandInForge.AdminName, "core", "manager"], rig.Forge.Users);
        Assert.Equal(["manager", "alice", "bob"], view.Accounts.Select(a => a.Agent));
        foreach (var account in view.Accounts)
        {
            Assert.Equal(
                (true, null, $"{rig.Forge.Url}/{account.Agent}"),
                (account.HasToken, account.Error, account.Url)
            );
            Assert.Equal(account.Agent, rig.Forge.OwnerOf(rig.TokenOf(account.Agent)));
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(rig.TokenFile(account.Agent)));
            var token = Assert.Single(rig.Forge.TokensOf(account.Agent));
            Assert.Equal(Scopes, token.Scopes);
            // Such as hive-20260131T120000000-1f0c.
            Assert.Matches("^hive-20260131T120000000-[0-9a-f]{4}$", token.Name);
            Assert.False(rig.Forge.IsAdmin(account.Agent));
        }
    }

    [Fact]
    public async Task Hives_own_account_is_a_site_admin_with_a_token_only_the_host_can_read()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();

        var file = Path.Combine(rig.Hive.DataDir, "forge-core-token");
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(file));
        Assert.Equal("core", rig.Forge.OwnerOf(File.ReadAllText(file).Trim()));
        Assert.True(rig.Forge.IsAdmin("core"));
        Assert.Contains("write:admin", Assert.Single(rig.Forge.TokensOf("core")).Scopes);
        // The user 'core' has the name, so no organisation can have it, and the user owns the repository.
        Assert.Equal(["agents"], rig.Forge.Organisations);
        Assert.True(rig.Forge.HasRepository("core/meta"));
        Assert.Contains("POST /api/v1/user/repos", rig.Forge.Requests);
    }

    [Fact]
    public async Task An_organisation_named_core_prevents_only_Hives_own_account()
    {
        await using var rig = await ForgeRig.Start(forge => forge.AddOrganisation("core"));
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Contains("'core' is an organisation", view.Note, StringComparison.Ordinal);
        Assert.True(rig.Account(view, "alice").HasToken);
        Assert.All(view.Repositories, r => Assert.Null(r.PushedAt));
        Assert.DoesNotContain(rig.Forge.Requests, r => r.StartsWith("git ", StringComparison.Ordinal));
    }

    public static TheoryData<bool> ByPassword => [.. Ring.Sample([true, false], 1)];

    [Theory, Sampled]
    [MemberData(nameof(ByPassword))]
    public async Task An_account_core_registered_by_somebody_else_never_becomes_an_admin(bool byPassword)
    {
        await using var rig = await ForgeRig.Start(
            forge => forge.AddUser("core", "Stranger-1", email: "core@hive.localhost"),
            forge =>
                [
                    "--Forge:Url",
                    forge.Url,
                    .. byPassword
                        ? (string[])["--Forge:User", StandInForge.AdminName, "--Forge:Password", forge.AdminPassword]
                        :
                        [
                            "--Forge:Token",
                            forge.AddToken(StandInForge.AdminName, "write:admin", "read:user", "read:organization"),
                        ],
                ]
        );
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.False(rig.Forge.IsAdmin("core"));
        Assert.Empty(rig.Forge.TokensOf("core"));
        // With only a token, Hive could not issue a token for an account that it did not create.
        Assert.Equal(
            "the account 'core' on the forge is not a site admin, and anybody can have created it; rename or remove "
                + "it there; or, if it is Hive's or yours, make it a site admin"
                + (byPassword ? "" : ", and give Forge:User and Forge:PasswordFile"),
            view.Note
        );
        Assert.True(rig.Account(view, "alice").HasToken);
        Assert.False(File.Exists(Path.Combine(rig.Hive.DataDir, "forge-core-token")));
        // The operator has removed it.
        rig.Forge.RemoveUser("core");
        view = await rig.Sync();
        Assert.Null(view.Note);
        Assert.True(rig.Forge.IsAdmin("core"));
        Assert.Equal(rig.Refs(null), rig.Forge.Refs("core/meta"));
        Assert.False(File.Exists(Path.Combine(rig.Hive.DataDir, "forge-core-password")));
    }

    [Fact]
    public async Task The_next_host_completes_an_interrupted_creation_of_Hives_own_account()
    {
        var broken = true;
        await using var rig = await ForgeRig.Start(forge =>
            forge.Instead = async http =>
            {
                if (!broken || http.Request.Method != "PATCH")
                    return false;
                await StandInForge.Say(http, 500, new { message = "database is locked" });
                return true;
            }
        );
        Assert.Contains("could not make 'core' an admin: 500", (await rig.Sync()).Note, StringComparison.Ordinal);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Path.Combine(rig.Hive.DataDir, "forge-core-password")));
        await rig.Hive.Restart(() => broken = false);
        var view = await rig.Sync();

        Assert.Equal((ForgeState.Up, null), (view.State, view.Note));
        Assert.True(rig.Forge.IsAdmin("core"));
        Assert.False(File.Exists(Path.Combine(rig.Hive.DataDir, "forge-core-password")));
    }

    [Fact]
    public async Task A_new_data_folder_takes_over_an_account_core_that_is_a_site_admin()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        await rig.Hive.Restart(() => File.Delete(Path.Combine(rig.Hive.DataDir, "forge-core-token")));
        var view = await rig.Sync();

        Assert.Equal((ForgeState.Up, null), (view.State, view.Note));
        Assert.Equal(
            "core",
            rig.Forge.OwnerOf(File.ReadAllText(Path.Combine(rig.Hive.DataDir, "forge-core-token")).Trim())
        );
    }

    [Fact]
    public async Task An_agent_spawned_later_gets_its_account_without_a_sync()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        await rig.Hive.Spawn("carol");

        await rig.Until(v =>
            v.Accounts.Any(a => a is { Agent: "carol", HasToken: true })
            && v.Repositories.Any(r => r is { Name: "agents/carol", PushedAt: not null, Behind: false })
        );
        Assert.Equal("carol", rig.Forge.OwnerOf(rig.TokenOf("carol")));
    }

    [Fact]
    public async Task An_existing_user_becomes_the_agents_unless_it_is_a_site_admin_or_organisation()
    {
        await using var rig = await ForgeRig.Start(forge =>
        {
            forge.AddUser("alice");
            forge.AddUser("chief", isAdmin: true);
            forge.AddOrganisation("guild");
        });
        var log = rig.Hive.Log();
        await rig.Hive.Spawn("alice", "chief", "guild", "zoe");
        var view = await rig.Sync();

        Assert.Equal("alice", rig.Forge.OwnerOf(rig.TokenOf("alice")));
        Assert.Contains("site admin", rig.Account(view, "chief").Error, StringComparison.Ordinal);
        Assert.Contains("organisation", rig.Account(view, "guild").Error, StringComparison.Ordinal);
        Assert.Empty(rig.Forge.TokensOf("chief"));
        Assert.All(new[] { "chief", "guild" }, name => Assert.False(File.Exists(rig.TokenFile(name))));
        // The other agents do not wait for these.
        Assert.True(rig.Account(view, "zoe").HasToken);
        await log.Next("forge token for chief failed; will retry: 'chief' is a site admin");
    }

    [Fact]
    public async Task A_name_that_the_forge_reserves_is_reported_and_other_agents_continue()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("api", "bob");
        var view = await rig.Sync();

        Assert.Contains("name is reserved [name: api]", rig.Account(view, "api").Error, StringComparison.Ordinal);
        Assert.True(rig.Account(view, "bob").HasToken);
        Assert.False(File.Exists(rig.TokenFile("api")));
        // The repository of its configuration is Hive's own, and is pushed nevertheless.
        Assert.Equal(rig.Refs("api"), rig.Forge.Refs("agents/api"));
    }

    [Fact]
    public async Task With_only_a_token_Hive_resets_passwords_of_accounts_it_created_and_no_others()
    {
        var admin = "";
        await using var rig = await ForgeRig.Start(
            forge =>
            {
                admin = forge.AddToken(StandInForge.AdminName, "write:admin", "read:user", "read:organization");
                forge.AddUser("human", "Human-123");
                forge.AddUser("earlier", "Forgotten-1", email: "earlier@hive.localhost");
            },
            forge => ["--Forge:Url", forge.Url, "--Forge:Token", admin]
        );
        await rig.Hive.Spawn("alice", "human", "earlier");
        var view = await rig.Sync();

        Assert.All(new[] { "alice", "earlier" }, name => Assert.Equal(name, rig.Forge.OwnerOf(rig.TokenOf(name))));
        Assert.Contains("was not created by Hive", rig.Account(view, "human").Error, StringComparison.Ordinal);
        Assert.Empty(rig.Forge.TokensOf("human"));
        Assert.True(rig.Forge.IsAdmin("core"));
        Assert.Equal(rig.Refs(null), rig.Forge.Refs("core/meta"));
    }

    [Fact]
    public async Task With_only_a_token_a_foreign_admin_core_is_reported_with_a_way_out()
    {
        await using var rig = await ForgeRig.Start(
            forge => forge.AddUser("core", "Stranger-1", isAdmin: true),
            forge =>
                [
                    "--Forge:Url",
                    forge.Url,
                    "--Forge:Token",
                    forge.AddToken(StandInForge.AdminName, "write:admin", "read:user", "read:organization"),
                ]
        );
        var view = await rig.Sync();

        Assert.Equal(
            "the account 'core' exists and was not created by Hive, so Hive does not change its password; rename or "
                + "remove it, or give Forge:User and Forge:PasswordFile, since an admin's password can issue a "
                + "token for it",
            view.Note
        );
        rig.Forge.RenameUser("core", "old-core");
        rig.Forge.RemoveUser("old-core");
    }

    [Fact]
    public async Task A_text_that_is_not_a_token_is_refused()
    {
        var token = " ";
        await using var rig = await ForgeRig.Start(forge =>
            forge.Instead = async http =>
            {
                if (token is null || !http.Request.Path.Value!.EndsWith("/tokens", StringComparison.Ordinal))
                    return false;
                await StandInForge.Say(http, 201, new { id = 1, sha1 = token });
                return true;
            }
        );
        await rig.Hive.Spawn("alice");
        ForgeView view;
        foreach (var text in new[] { " ", "", "0123456789\n0123456789", "short" })
        {
            token = text;
            view = await rig.Sync();
            Assert.Equal((ForgeState.Up, "the forge issued an unreadable token for 'core'"), (view.State, view.Note));
            Assert.Equal("the forge issued an unreadable token for 'alice'", rig.Account(view, "alice").Error);
        }

        Assert.False(File.Exists(rig.TokenFile("alice")));
        Assert.False(File.Exists(Path.Combine(rig.Hive.DataDir, "forge-core-token")));
        token = null;
        view = await rig.Sync();
        Assert.Equal((ForgeState.Up, null, true), (view.State, view.Note, rig.Account(view, "alice").HasToken));
    }

    [Fact]
    public async Task A_refused_token_of_Hives_own_account_is_issued_again_at_once()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        var before = File.ReadAllText(Path.Combine(rig.Hive.DataDir, "forge-core-token")).Trim();
        rig.Forge.RevokeTokensOf("core");
        // The clock stands still, so no pause ends.
        var view = await rig.Sync();
        Assert.Equal((ForgeState.Up, null), (view.State, view.Note));
        var after = File.ReadAllText(Path.Combine(rig.Hive.DataDir, "forge-core-token")).Trim();
        Assert.NotEqual(before, after);
        Assert.Equal("core", rig.Forge.OwnerOf(after));
        Assert.DoesNotContain(view.Repositories, r => r.Behind);
    }

    [Fact]
    public async Task A_forge_that_refuses_every_new_token_of_Hives_own_is_retried_after_a_pause()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        rig.Forge.Instead = async http =>
        {
            if (
                !http.Request.Headers.Authorization.ToString().StartsWith("token", StringComparison.OrdinalIgnoreCase)
                || http.Request.Path == "/api/v1/version"
            )
                return false;
            await StandInForge.Say(http, 401, new { message = "no" });
            return true;
        };
        var view = await rig.Sync();
        Assert.Equal(ForgeState.Down, view.State);
        Assert.NotNull(view.NextAttemptAt);
    }

    [Fact]
    public async Task A_file_without_Hives_own_token_is_written_again()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();
        var file = Path.Combine(rig.Hive.DataDir, "forge-core-token");
        File.WriteAllText(file, "one line\nand another\n");
        var view = await rig.Sync();

        Assert.Equal((ForgeState.Up, null), (view.State, view.Note));
        Assert.Equal("core", rig.Forge.OwnerOf(File.ReadAllText(file).Trim()));
    }

    [Fact]
    public async Task No_token_is_issued_for_Hives_own_account_when_it_cannot_be_stored()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        // The token is written there first.
        var place = Directory.CreateDirectory(Path.Combine(rig.Hive.DataDir, "forge-core-token.new")).FullName;
        rig.Forge.Resume();
        Assert.NotNull((await rig.Sync()).Note);
        Assert.Empty(rig.Forge.TokensOf("core"));
        Directory.Delete(place);
        Assert.Null((await rig.Sync()).Note);
        Assert.Single(rig.Forge.TokensOf("core"));
    }

    [Fact]
    public async Task A_removed_token_file_gets_a_new_token_and_an_existing_one_is_left_alone()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice", "bob");
        await rig.Sync();
        var (first, bobs) = (rig.TokenOf("alice"), rig.TokenOf("bob"));
        File.Delete(rig.TokenFile("alice"));
        await rig.Sync();

        Assert.NotEqual(first, rig.TokenOf("alice"));
        Assert.Equal(2, rig.Forge.TokensOf("alice").Select(t => t.Name).Distinct().Count());
        Assert.Equal(bobs, rig.TokenOf("bob"));
        Assert.Single(rig.Forge.TokensOf("bob"));
    }

    [Fact]
    public async Task A_link_folder_or_hard_link_in_place_of_the_token_file_is_refused()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        await rig.Hive.Spawn("linked", "folder", "twice", "empty", "alice");
        var outside = Path.Combine(rig.Hive.Folder, "outside");
        File.WriteAllText(outside, "");
        File.CreateSymbolicLink(rig.TokenFile("linked"), outside);
        Directory.CreateDirectory(rig.TokenFile("folder"));
        File.WriteAllText(rig.TokenFile("twice"), "");
        using (
            var link = System.Diagnostics.Process.Start("ln", [rig.TokenFile("twice"), rig.TokenFile("twice") + "-too"])
        )
            await link.WaitForExitAsync();
        File.WriteAllText(rig.TokenFile("empty"), "");
        rig.Forge.Resume();
        var view = await rig.Sync();

        foreach (var name in new[] { "linked", "folder", "twice" })
        {
            Assert.Contains(
                $"/agents/{name}/state/forge-token is not a regular file with a single hard link",
                rig.Account(view, name).Error,
                StringComparison.Ordinal
            );
            Assert.Empty(rig.Forge.TokensOf(name));
        }

        Assert.Equal("", File.ReadAllText(outside));
        Assert.Equal("", File.ReadAllText(rig.TokenFile("twice")));
        // An empty file is filled, readable by its owner only.
        Assert.Equal("empty", rig.Forge.OwnerOf(rig.TokenOf("empty")));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(rig.TokenFile("empty")));
        Assert.True(rig.Account(view, "alice").HasToken);
    }

    [Fact]
    public async Task No_token_is_issued_while_the_disk_is_full()
    {
        await HostProcess.RequireMounts();
        await using var forge = await StandInForge.Start();
        // One page, partly filled.
        await using var host = await HostProcess.StartWithMounts(
            $"""
            mkdir -p "$DATA/agents/manager/state"
            mount -t tmpfs -o size=4k,mode=755 tmpfs "$DATA/agents/manager/state"
            head -c 4096 /dev/zero >"$DATA/agents/manager/state/filler"
            export HIVE_FORGE__URL={forge.Url}
            export HIVE_FORGE__USER={StandInForge.AdminName} HIVE_FORGE__PASSWORD={forge.AdminPassword}
            # It holds an agent's folder before there is a database.
            export HIVE_ACCEPTLOSS=true
            """
        );
        using var line = await host.Operator();
        var error = Account(await line.CallAsync("forge_sync")).GetProperty("error").GetString();
        Assert.Equal("cannot write /agents/manager/state/forge-token: No space left on device", error);
        Assert.Empty(forge.TokensOf("manager"));
        var state = host.Inside(Path.Combine(host.DataDir, "agents", "manager", "state"));
        Assert.False(File.Exists(Path.Combine(state, "forge-token")));

        File.Delete(Path.Combine(state, "filler"));
        Assert.True(Account(await line.CallAsync("forge_sync")).GetProperty("has_token").GetBoolean());
        Assert.Equal("manager", forge.OwnerOf(File.ReadAllText(Path.Combine(state, "forge-token")).Trim()));

        static System.Text.Json.JsonElement Account(System.Text.Json.JsonElement answer) =>
            answer.GetProperty("forge").GetProperty("accounts")[0];
    }

    [Fact]
    public async Task No_token_is_issued_for_an_agent_whose_state_folder_cannot_be_written()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        await rig.Hive.Spawn("closed", "alice");
        // True for root as well: nothing can be created in a folder that was deleted.
        Directory.Delete(rig.StateOf("closed"), recursive: true);
        File.WriteAllText(rig.StateOf("closed"), "a file where the folder was");
        rig.Forge.Resume();
        var view = await rig.Sync();

        Assert.Contains(
            "the state folder of closed is missing or is not a folder",
            rig.Account(view, "closed").Error,
            StringComparison.Ordinal
        );
        Assert.Empty(rig.Forge.TokensOf("closed"));
        Assert.True(rig.Account(view, "alice").HasToken);
        File.Delete(rig.StateOf("closed"));
    }

    [Fact]
    public async Task A_read_only_state_folder_is_reported_and_retried()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        await rig.Hive.Spawn("closed");
        using var immutable = new ReadOnly(rig.StateOf("closed"));
        Requires.That(immutable.Works, "this user writes in read-only folders, and cannot make one immutable");
        rig.Forge.Resume();
        var view = await rig.Sync();

        Assert.Contains(
            "cannot write /agents/closed/state/forge-token",
            rig.Account(view, "closed").Error,
            StringComparison.Ordinal
        );
        Assert.Empty(rig.Forge.TokensOf("closed"));
        immutable.Dispose();
        view = await rig.Sync();
        Assert.Equal((true, null), (rig.Account(view, "closed").HasToken, rig.Account(view, "closed").Error));
    }

    [Fact]
    public async Task The_token_file_has_the_owner_of_the_state_folder()
    {
        Requires.That(Environment.IsPrivilegedProcess, "only root can give files away");
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        await rig.Hive.Spawn("alice");
        using (var chown = System.Diagnostics.Process.Start("chown", ["12345:23456", rig.StateOf("alice")]))
            await chown.WaitForExitAsync();
        rig.Forge.Resume();
        await rig.Sync();

        using var stat = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("stat", ["--format=%u:%g %a", rig.TokenFile("alice")])
            {
                RedirectStandardOutput = true,
            }
        )!;
        Assert.Equal("12345:23456 600", (await stat.StandardOutput.ReadToEndAsync()).Trim());
    }

    [Fact]
    public async Task The_token_file_is_not_shown_to_anybody()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();

        using var answer = await rig.Hive.Http().GetAsync("/api/state-file?path=/agents/alice/state/forge-token");
        Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_new_agent_of_a_destroyed_agents_name_gets_its_own_token_and_repository()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        using (var host = await rig.Hive.Operator())
            await host.CallAsync("destroy", new { name = "alice", purge = true });
        await rig.Hive.Spawn("alice");
        await rig.Sync();

        Assert.Equal("alice", rig.Forge.OwnerOf(rig.TokenOf("alice")));
        // The new agent's configuration has no history of the old one.
        Assert.Equal(rig.Refs("alice"), rig.Forge.Refs("agents/alice"));
    }

    /// <summary>A folder that nobody can write to: by its mode, or for root by the file system's immutable
    /// flag.</summary>
    private sealed class ReadOnly : IDisposable
    {
        private readonly string folder;

        public ReadOnly(string folder)
        {
            this.folder = folder;
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            try
            {
                if (Environment.IsPrivilegedProcess)
                    Run("+i");
                File.WriteAllText(Path.Combine(folder, "try"), "");
                File.Delete(Path.Combine(folder, "try"));
            }
            catch (Exception e)
                when (e is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
            {
                Works = e is not System.ComponentModel.Win32Exception;
            }
        }

        public bool Works { get; }

        public void Dispose()
        {
            if (Works && Environment.IsPrivilegedProcess)
                Run("-i");
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        private void Run(string change)
        {
            using var chattr = System.Diagnostics.Process.Start(
                new System.Diagnostics.ProcessStartInfo("chattr", [change, folder]) { RedirectStandardError = true }
            )!;
            chattr.StandardError.ReadToEnd();
            chattr.WaitForExit();
        }
    }
}
