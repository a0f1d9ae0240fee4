using System.ComponentModel;
using Hive.Common.Processes;

namespace Hive.Features.Forge;

/// <summary>Administers a Forgejo in the NixOS container <c>hive-forge</c> through its own command, run inside. What it
/// prints may be a token or a password, so that only its errors are shown.</summary>
internal sealed class ContainerAdmin(ForgeSettings settings, ForgeApi api, TimeProvider clock) : IForgeAdmin
{
    private const string Program = "nixos-container";
    private const string Container = "hive-forge";
    private const int MaxOutput = 64 << 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public string Mode => "nixos";

    public ForgeLogin? Login => null;

    /// <summary>False when this is no machine with NixOS containers, as was found out last.</summary>
    public bool IsPossible { get; private set; }

    public async Task<string?> Absence(CancellationToken ct)
    {
        try
        {
            var (code, output, _) = await Run([Program, "list"], ct);
            IsPossible = true;
            return code == 0 && output.Split('\n').Contains(Container) ? null : $"there is no container {Container}";
        }
        catch (Win32Exception)
        {
            IsPossible = false;
            return $"there is no {Program} on the PATH";
        }
    }

    public async Task<string> Issue(string account, bool isCore, ForgeLogin? core, CancellationToken ct)
    {
        string[] admin = isCore ? ["--admin"] : [];
        var made = await Inside(
            [
                "user",
                "create",
                "--username",
                account,
                "--email",
                ForgeNames.Mail(account),
                "--random-password",
                "--must-change-password=false",
                .. admin,
            ],
            ct
        );
        if (made.Code != 0)
        {
            var refusal = new ForgeFault(
                $"the forge could not make the account '{account}': {made.Said}",
                FaultScope.One
            );
            if (!made.Said.Contains("already exists", StringComparison.OrdinalIgnoreCase))
                throw refusal;
            // Only an admin made that one an admin: anybody else may have registered the name before.
            var isAdmin = await IsAdmin(account, ct);
            if (isCore && !isAdmin)
                throw AccountCheck.StrangeCore(hasTokenAlone: false);
            if (!isCore && isAdmin)
                throw AccountCheck.IsSiteAdmin(account);
            // Whose it is must be known before an agent gets a token of it.
            if (!isCore && core is null)
                throw new ForgeFault(
                    $"there is an account '{account}' on the forge already, and whose it is cannot be looked at before Hive has an account of its own there",
                    FaultScope.One
                );
            if (!isCore)
                await AccountCheck.MustBeUser(api, account, core!, refusal, ct);
        }

        var issued = await Inside(
            [
                "user",
                "generate-access-token",
                "--username",
                account,
                "--token-name",
                TokenName.New(clock),
                "--scopes",
                string.Join(',', isCore ? ForgeNames.CoreScopes : ForgeNames.AgentScopes),
                "--raw",
            ],
            ct
        );
        if (issued.Code != 0)
            throw new ForgeFault($"the forge could not make a token for '{account}': {issued.Said}", FaultScope.One);
        // What else it prints, it prints before.
        return TokenForm.Read(
            issued
                .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .LastOrDefault(),
            account
        );
    }

    private async Task<bool> IsAdmin(string account, CancellationToken ct)
    {
        var admins = await Inside(["user", "list", "--admin"], ct);
        if (admins.Code != 0)
            throw new ForgeFault($"the forge could not say who its admins are: {admins.Said}", FaultScope.One);
        // ID, name, address, and whether it is active.
        return admins
            .Output.Split('\n')
            .Any(line =>
                line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is [_, var name, ..]
                && name.Equals(account, StringComparison.OrdinalIgnoreCase)
            );
    }

    private async Task<(int Code, string Output, string Said)> Inside(string[] command, CancellationToken ct)
    {
        try
        {
            return await Run(
                [
                    Program,
                    "run",
                    Container,
                    "--",
                    "runuser",
                    "-u",
                    "forgejo",
                    "--",
                    "forgejo",
                    "--work-path",
                    settings.WorkPath,
                    "admin",
                    .. command,
                ],
                ct
            );
        }
        catch (Win32Exception e)
        {
            throw new ForgeFault($"{Program} cannot be run: {e.Message}", FaultScope.Forge, inner: e);
        }
    }

    private async Task<(int Code, string Output, string Said)> Run(string[] command, CancellationToken ct)
    {
        try
        {
            var result = await ProgramRunner.Run(
                new ProgramCall(command)
                {
                    TimeLimit = Patience,
                    MaxOutputBytes = MaxOutput,
                    MaxErrorBytes = MaxOutput,
                },
                ct
            );
            var errors = string.Join(' ', result.LastErrors(3));
            return (
                result.ExitCode,
                result.OutputText,
                api.Clean(errors.Length == 0 ? $"it ended with {result.ExitCode}" : errors)
            );
        }
        catch (TimeoutException e)
        {
            throw new ForgeFault(
                $"`{Program} {command[1]}` did not end within {Patience.TotalSeconds:0} s",
                FaultScope.Forge,
                inner: e
            );
        }
    }
}
