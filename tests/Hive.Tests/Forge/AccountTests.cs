using Hive.Protocol;
using Hive.Tests.Common;
using Hive.Tests.Fixture;

namespace Hive.Tests.Forge;

/// <summary>Who gets an account and a token on the forge, and who does not.</summary>
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
    public async Task Every_agent_and_the_manager_gets_a_user_of_its_name_and_a_token_for_it_alone()
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
    public async Task Hive_itself_is_a_site_admin_whose_token_lies_in_a_file_for_the_host_alone()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Sync();

        var file = Path.Combine(rig.Hive.DataDir, "forge-core-token");
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(file));
        Assert.Equal("core", rig.Forge.OwnerOf(File.ReadAllText(file).Trim()));
        Assert.True(rig.Forge.IsAdmin("core"));
        Assert.Contains("write:admin", Assert.Single(rig.Forge.TokensOf("core")).Scopes);
        // The user 'core' has the name, so there is no organisation of it, and the repository is the user's.
        Assert.Equal(["agents"], rig.Forge.Organisations);
        Assert.True(rig.Forge.HasRepository("core/meta"));
        Assert.Contains("POST /api/v1/user/repos", rig.Forge.Requests);
    }

    [Fact]
    public async Task An_organisation_core_that_was_there_first_keeps_Hive_from_an_account_and_nothing_else()
    {
        await using var rig = await ForgeRig.Start(forge => forge.AddOrganisation("core"));
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Contains("'core' is an organisation", view.Note, StringComparison.Ordinal);
        Assert.True(rig.Account(view, "alice").HasToken);
        Assert.All(view.Repositories, r => Assert.Null(r.PushedAt));
        Assert.DoesNotContain(rig.Forge.Requests, r => r.StartsWith("git ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_account_core_that_anybody_registered_before_becomes_no_admin_whatever_its_address(
        bool byPassword
    )
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
        // With a token alone, there would be no way to a token of an account that Hive did not make.
        Assert.Equal(
            "there is an account 'core' on the forge that is no site admin, and anybody may have made it; rename or remove it there; or, if it is Hive's or yours, make it a site admin"
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
    public async Task Hives_own_account_whose_making_broke_off_is_known_again_by_the_next_host()
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
    public async Task An_account_core_that_is_an_admin_is_Hives_in_another_data_folder_too()
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
    public async Task An_agent_that_comes_later_gets_its_account_without_being_asked_for()
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
    public async Task A_user_that_is_there_is_the_agents_unless_it_is_a_site_admin_or_an_organisation()
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
        // None of it keeps the others waiting.
        Assert.True(rig.Account(view, "zoe").HasToken);
        await log.Next("chief has no token for the forge, which is tried again: 'chief' is a site admin");
    }

    [Fact]
    public async Task A_name_that_the_forge_keeps_for_itself_is_said_and_the_others_go_on()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("api", "bob");
        var view = await rig.Sync();

        Assert.Contains("name is reserved [name: api]", rig.Account(view, "api").Error, StringComparison.Ordinal);
        Assert.True(rig.Account(view, "bob").HasToken);
        Assert.False(File.Exists(rig.TokenFile("api")));
        // Its configuration is Hive's own, and is there all the same.
        Assert.Equal(rig.Refs("api"), rig.Forge.Refs("agents/api"));
    }

    [Fact]
    public async Task With_an_admins_token_alone_accounts_are_made_and_only_those_of_Hives_own_making_get_a_new_password()
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
        Assert.Contains("was not made by Hive", rig.Account(view, "human").Error, StringComparison.Ordinal);
        Assert.Empty(rig.Forge.TokensOf("human"));
        Assert.True(rig.Forge.IsAdmin("core"));
        Assert.Equal(rig.Refs(null), rig.Forge.Refs("core/meta"));
    }

    [Fact]
    public async Task With_an_admins_token_alone_an_admin_core_that_Hive_did_not_make_is_of_no_use_and_the_way_out_is_said()
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
            "the account 'core' is there and was not made by Hive, so its password is not Hive's to change; rename or remove it, or give Forge:User and Forge:PasswordFile, since an admin's password can make a token for it",
            view.Note
        );
        rig.Forge.RenameUser("core", "old-core");
        rig.Forge.RemoveUser("old-core");
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("")]
    [InlineData("0123456789\n0123456789")]
    [InlineData("short")]
    public async Task What_is_no_token_is_not_taken_for_one(string token)
    {
        var broken = true;
        await using var rig = await ForgeRig.Start(forge =>
            forge.Instead = async http =>
            {
                if (!broken || !http.Request.Path.Value!.EndsWith("/tokens", StringComparison.Ordinal))
                    return false;
                await StandInForge.Say(http, 201, new { id = 1, sha1 = token });
                return true;
            }
        );
        await rig.Hive.Spawn("alice");
        var view = await rig.Sync();

        Assert.Equal((ForgeState.Up, "the forge made no token for 'core' that could be read"), (view.State, view.Note));
        Assert.Equal("the forge made no token for 'alice' that could be read", rig.Account(view, "alice").Error);
        Assert.False(File.Exists(rig.TokenFile("alice")));
        Assert.False(File.Exists(Path.Combine(rig.Hive.DataDir, "forge-core-token")));
        broken = false;
        view = await rig.Sync();
        Assert.Equal((ForgeState.Up, null, true), (view.State, view.Note, rig.Account(view, "alice").HasToken));
    }

    [Fact]
    public async Task A_refused_token_of_Hive_itself_is_made_again_at_once()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        var before = File.ReadAllText(Path.Combine(rig.Hive.DataDir, "forge-core-token")).Trim();
        rig.Forge.RevokeTokensOf("core");
        // The clock stands still, so nothing waited for is due.
        var view = await rig.Sync();
        Assert.Equal((ForgeState.Up, null), (view.State, view.Note));
        var after = File.ReadAllText(Path.Combine(rig.Hive.DataDir, "forge-core-token")).Trim();
        Assert.NotEqual(before, after);
        Assert.Equal("core", rig.Forge.OwnerOf(after));
        Assert.DoesNotContain(view.Repositories, r => r.Behind);
    }

    [Fact]
    public async Task A_forge_that_refuses_every_token_of_Hive_itself_is_not_asked_for_more_without_a_pause()
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
    public async Task A_file_of_Hives_own_token_that_holds_none_is_made_anew()
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
    public async Task No_token_is_made_for_Hive_itself_that_could_not_be_kept()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        // Where it is written first.
        var place = Directory.CreateDirectory(Path.Combine(rig.Hive.DataDir, "forge-core-token.new")).FullName;
        rig.Forge.Resume();
        Assert.NotNull((await rig.Sync()).Note);
        Assert.Empty(rig.Forge.TokensOf("core"));
        Directory.Delete(place);
        Assert.Null((await rig.Sync()).Note);
        Assert.Single(rig.Forge.TokensOf("core"));
    }

    [Fact]
    public async Task A_token_file_that_was_removed_is_made_again_under_another_name_and_one_that_is_there_is_left_alone()
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
    public async Task A_link_a_folder_or_a_second_name_in_the_token_files_place_is_refused_and_no_token_is_made()
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
        // An empty one holds no token: it is filled, for its owner alone.
        Assert.Equal("empty", rig.Forge.OwnerOf(rig.TokenOf("empty")));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(rig.TokenFile("empty")));
        Assert.True(rig.Account(view, "alice").HasToken);
    }

    [Fact]
    public async Task A_full_disk_costs_no_token_either()
    {
        await HostProcess.RequireMounts();
        await using var forge = await StandInForge.Start();
        // One page, and something in it.
        await using var host = await HostProcess.StartWithMounts(
            $"""
            mkdir -p "$DATA/agents/manager/state"
            mount -t tmpfs -o size=4k,mode=755 tmpfs "$DATA/agents/manager/state"
            head -c 4096 /dev/zero >"$DATA/agents/manager/state/filler"
            export HIVE_FORGE__URL={forge.Url} HIVE_FORGE__USER={StandInForge.AdminName} HIVE_FORGE__PASSWORD={forge.AdminPassword}
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
    public async Task A_state_folder_that_cannot_be_written_costs_no_token_and_keeps_nobody_waiting()
    {
        await using var rig = await ForgeRig.Start(forge => forge.Pause());
        await rig.Hive.Spawn("closed", "alice");
        // The same for root as for anybody: nothing can be made in a folder that is no more.
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
    public async Task A_state_folder_made_read_only_is_said_and_tried_again()
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
    public async Task The_file_belongs_to_whom_the_state_folder_belongs_to()
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
    public async Task Nobody_is_shown_the_token_file()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();

        using var answer = await rig.Hive.Http().GetAsync("/api/state-file?path=/agents/alice/state/forge-token");
        Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task What_was_made_for_an_agent_that_is_gone_is_not_taken_for_that_of_the_next_of_its_name()
    {
        await using var rig = await ForgeRig.Start();
        await rig.Hive.Spawn("alice");
        await rig.Sync();
        using (var host = await rig.Hive.Operator())
            await host.CallAsync("destroy", new { name = "alice", purge = true });
        await rig.Hive.Spawn("alice");
        await rig.Sync();

        Assert.Equal("alice", rig.Forge.OwnerOf(rig.TokenOf("alice")));
        // The new one's configuration has no history of the old one's.
        Assert.Equal(rig.Refs("alice"), rig.Forge.Refs("agents/alice"));
    }

    /// <summary>A folder nobody writes in: by its mode, or for root by the file system's own flag.</summary>
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
