using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Common;
using Hive.Tests.Fixture;

namespace Hive.Tests.Forge;

/// <summary>A forge in the NixOS container hive-forge; a stand-in answers for its command. Every command line is
/// exactly as Forgejo accepts it.</summary>
public sealed class ContainerForgeTests
{
    private const string Admin = "run hive-forge -- runuser -u forgejo -- forgejo --work-path /srv/forgejo admin ";
    private const string AgentScopes =
        "read:user,write:user,write:repository,write:issue,write:organization,write:misc";
    private const string CoreScopes =
        "write:admin,write:user,write:repository,write:issue,write:organization,write:misc";

    [Fact]
    public async Task Accounts_and_tokens_are_created_by_commands_and_everything_else_by_the_API()
    {
        await using var forge = await StandInForge.Start();
        forge.AddUser("bob");
        forge.AddUser("chief", isAdmin: true);
        await using var nixos = await Container.Start(forge, "hive-forge");
        await nixos.Host.Spawn("alice", "api", "bob", "chief");
        nixos.Forge.Resume();
        var view = await nixos.Sync();

        Assert.Equal((ForgeState.Up, "nixos"), (view.State, view.Mode));
        // Failed work was retried; no token was issued twice.
        var commands = nixos.Commands().Distinct();
        Assert.Equal(
            4,
            nixos.Commands().Count(c => c.StartsWith($"{Admin}user generate-access-token", StringComparison.Ordinal))
        );
        Assert.Equal(
            [
                $"{Admin}user create --username core --email core@hive.localhost --random-password "
                    + "--must-change-password=false --admin",
                $"{Admin}user generate-access-token --username core --token-name NAME --scopes {CoreScopes} --raw",
                $"{Admin}user create --username alice --email alice@hive.localhost --random-password "
                    + "--must-change-password=false",
                $"{Admin}user generate-access-token --username alice --token-name NAME --scopes {AgentScopes} --raw",
                $"{Admin}user create --username api --email api@hive.localhost --random-password "
                    + "--must-change-password=false",
                $"{Admin}user create --username bob --email bob@hive.localhost --random-password "
                    + "--must-change-password=false",
                $"{Admin}user list --admin",
                $"{Admin}user generate-access-token --username bob --token-name NAME --scopes {AgentScopes} --raw",
                $"{Admin}user create --username chief --email chief@hive.localhost --random-password "
                    + "--must-change-password=false",
                $"{Admin}user create --username manager --email manager@hive.localhost --random-password "
                    + "--must-change-password=false",
                $"{Admin}user generate-access-token --username manager --token-name NAME --scopes {AgentScopes} --raw",
            ],
            commands
        );
        foreach (var name in new[] { "alice", "bob", "manager" })
            Assert.Equal(
                name,
                forge.OwnerOf(
                    File.ReadAllText(Path.Combine(nixos.Host.DataDir, "agents", name, "state", "forge-token")).Trim()
                )
            );
        Assert.Contains(
            "name is reserved [name: api]",
            view.Accounts.Single(a => a.Agent == "api").Error,
            StringComparison.Ordinal
        );
        Assert.Contains("site admin", view.Accounts.Single(a => a.Agent == "chief").Error, StringComparison.Ordinal);
        Assert.True(forge.IsAdmin("core"));
        Assert.Equal(
            Git.Repositories.AsSomebody(
                Path.Combine(nixos.Host.DataDir, "meta"),
                "for-each-ref",
                "--format=%(objectname) %(refname)"
            ),
            forge.Refs("core/meta")
        );
        // Neither the password nor the token that the command prints is in any log.
        Assert.All(
            forge.Secrets.Where(s => s != forge.AdminPassword),
            s => Assert.DoesNotContain(s, nixos.Host.Output, StringComparison.Ordinal)
        );
    }

    [Theory, Long]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_existing_account_core_is_taken_over_only_if_it_is_a_site_admin(bool isAdmin)
    {
        await using var forge = await StandInForge.Start();
        forge.RequiresSignIn = true;
        forge.AddUser("core", "Stranger-1", isAdmin, "core@hive.localhost");
        await using var nixos = await Container.Start(forge, "hive-forge");
        await nixos.Host.Spawn("alice");
        nixos.Forge.Resume();
        var view = await nixos.Sync();

        Assert.Equal(ForgeState.Up, view.State);
        Assert.Equal($"{Admin}user list --admin", nixos.Commands()[1]);
        Assert.Equal(isAdmin ? 1 : 0, forge.TokensOf("core").Length);
        Assert.True(view.Accounts.Single(a => a.Agent == "alice").HasToken);
        if (isAdmin)
            Assert.Null(view.Note);
        else
            Assert.StartsWith(
                "the account 'core' on the forge is not a site admin",
                view.Note,
                StringComparison.Ordinal
            );
        Assert.Equal(isAdmin, forge.HasRepository("core/meta"));
    }

    [Fact]
    public async Task A_site_admins_account_is_never_an_agents_even_if_Hives_own_cannot_check_it()
    {
        await using var forge = await StandInForge.Start();
        forge.AddUser("chief", isAdmin: true);
        await using var nixos = await Container.Start(forge, "hive-forge");
        nixos.Forge.Resume();
        await nixos.Sync();
        forge.SetAdmin("core", false);
        await nixos.Host.Spawn("chief");
        var view = await nixos.Sync();

        Assert.StartsWith("Hive's own account 'core' is not a site admin", view.Note, StringComparison.Ordinal);
        Assert.StartsWith(
            "'chief' is a site admin on the forge",
            view.Accounts.Single(a => a.Agent == "chief").Error,
            StringComparison.Ordinal
        );
        Assert.Empty(forge.TokensOf("chief"));
    }

    [Fact, Long]
    public async Task Without_the_container_the_forge_is_off_and_only_the_list_command_runs()
    {
        await using var forge = await StandInForge.Start();
        await using var nixos = await Container.Start(forge, "something-else");
        await nixos.Host.Spawn("alice");
        using var line = await nixos.Host.Operator();
        var refused = await Assert.ThrowsAsync<HiveException>(() => line.CallAsync("forge_sync"));

        Assert.StartsWith("the forge is off: no forge is configured", refused.Message, StringComparison.Ordinal);
        Assert.Empty(nixos.Commands());
        Assert.Empty(forge.Requests);
        var finding = (await line.CallAsync("doctor"))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.Single(f => f.Topic == "forge");
        Assert.Equal(FindingState.Absent, finding.State);
        Assert.StartsWith("off: no forge is configured", finding.Text, StringComparison.Ordinal);
    }

    /// <summary>A host on a machine that seems to have NixOS containers: their command asks the stand-in through two
    /// pipes, one request after another.</summary>
    private sealed class Container : IAsyncDisposable
    {
        private readonly string folder;
        private readonly Task answering;

        private Container(string folder, StandInForge forge)
        {
            (this.folder, Forge) = (folder, forge);
            answering = Task.Run(Answer);
        }

        public StandInForge Forge { get; }

        public HostProcess Host { get; private set; } = null!;

        private string CommandsFile => Path.Combine(folder, "commands");

        public static async Task<Container> Start(StandInForge forge, string name)
        {
            var folder = Directory.CreateTempSubdirectory("hive-").FullName;
            var bin = Directory.CreateDirectory(Path.Combine(folder, "bin")).FullName;
            using (var made = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(folder, "ask")]))
                await made.WaitForExitAsync();

            var script = Path.Combine(bin, "nixos-container");
            File.WriteAllText(
                script,
                $$"""
                #!/bin/sh
                [ "$1" = list ] && { echo other; echo {{name}}; exit 0; }
                printf '%s\n' "$*" >> {{folder}}/commands
                # Of its own: a command that the host gave up must not take the answer of the next.
                answer={{folder}}/answer.$$
                mkfifo "$answer"
                printf '%s %s\n' "$answer" "$*" > {{folder}}/ask
                cat "$answer"
                exec 3< "$answer.said"
                read -r code <&3
                cat <&3 >&2
                exit "$code"
                """
            );
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.WriteAllText(Path.Combine(folder, "commands"), "");
            forge.Pause();
            var container = new Container(folder, forge);
            string[] address = name == "hive-forge" ? ["--Forge:Url", forge.Url] : [];
            container.Host = await HostProcess.Start(
                folder,
                [("PATH", $"{bin}:{Environment.GetEnvironmentVariable("PATH")}")],
                ["--Forge:WorkPath", "/srv/forgejo", "--Logging:LogLevel:Default", "Trace", .. address]
            );
            return container;
        }

        public async Task<ForgeView> Sync()
        {
            using var line = await Host.Operator();
            return (await line.CallAsync("forge_sync")).GetProperty("forge").Deserialize<ForgeView>(WireJson.Options)!;
        }

        /// <summary>The command lines that ran, without the list of containers; a token's name, which holds the time,
        /// is NAME.</summary>
        public string[] Commands() =>
            [
                .. File.ReadAllLines(CommandsFile)
                    .Select(c =>
                        System.Text.RegularExpressions.Regex.Replace(
                            c,
                            @"--token-name hive-\d{8}T\d{9}-[0-9a-f]{4} ",
                            "--token-name NAME "
                        )
                    ),
            ];

        public async ValueTask DisposeAsync()
        {
            // Ends the wait for a request.
            await File.WriteAllTextAsync(Path.Combine(folder, "ask"), "end\n");
            await answering;
            await Host.DisposeAsync();
        }

        private async Task Answer()
        {
            // Also open for writing, so that it does not end between two commands.
            await using var ask = new FileStream(
                Path.Combine(folder, "ask"),
                FileMode.Open,
                FileAccess.ReadWrite,
                FileShare.ReadWrite
            );
            using var lines = new StreamReader(ask);
            while (await lines.ReadLineAsync() is { } asked && asked != "end")
            {
                var (code, output, error) = Forge.Command(
                    asked[(asked.IndexOf(" admin ", StringComparison.Ordinal) + " admin ".Length)..].Split(' ')
                );
                var answer = asked[..asked.IndexOf(' ', StringComparison.Ordinal)];
                await File.WriteAllTextAsync($"{answer}.said", $"{code}\n{error}\n");
                // Not awaited: nobody reads it after the host has given the command up.
                _ = Task.Run(() => File.WriteAllTextAsync(answer, output));
            }
        }
    }
}
