using Hive.Common.Errors;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Forge;

/// <summary>Ensures Hive's own account on the forge, with its token, its organisations and its webhook; checks each of
/// them only when it may have changed.</summary>
internal sealed partial class CoreAccount(
    ForgeSettings settings,
    ForgeApi api,
    CoreToken token,
    ForgeRepositories repositories,
    ForgeHook hook,
    ILogger<CoreAccount> log
)
{
    private Ensured ensured = Ensured.Nothing;
    private bool isTokenNew;

    /// <summary>The parts of the account that were checked.</summary>
    [Flags]
    private enum Ensured
    {
        Nothing = 0,
        Token = 1,
        Organisations = 2,
    }

    /// <summary>Why agents do not hear of events on the forge; null when they do.</summary>
    public string? HookFault { get; private set; }

    /// <summary>Checks everything again the next time.</summary>
    public void Forget() => ensured = Ensured.Nothing;

    /// <summary>Checks the token again the next time, because a push failed.</summary>
    public void DoubtToken() => ensured &= ~Ensured.Token;

    /// <summary>Discards the token, which the forge refused.</summary>
    /// <returns>False when it had just been issued, so that another one is not worth a try.</returns>
    public bool DiscardToken(ForgeFault refusal)
    {
        token.Forget();
        DoubtToken();
        if (isTokenNew)
            return false;
        isTokenNew = true;
        LogRefused(log, refusal.Message);
        return true;
    }

    /// <summary>A round ended well: its token works.</summary>
    public void Complete() => isTokenNew = false;

    /// <summary>Ensures the account.</summary>
    /// <returns>Its login.</returns>
    /// <exception cref="ForgeFault">The account cannot be had; the message says why.</exception>
    public async Task<ForgeLogin> Ensure(IForgeAdmin admin, CancellationToken ct)
    {
        var core = token.Read() ?? await Issue(admin, ct);
        if (!ensured.HasFlag(Ensured.Token))
        {
            await RequireAdmin(core, ct);
            ensured |= Ensured.Token;
        }

        var hadOrganisations = ensured.HasFlag(Ensured.Organisations);
        if (!hadOrganisations)
            await repositories.EnsureOrganisations(core, ct);
        if (!hadOrganisations || hook.NeedsLook)
            await EnsureHook(core, ct);
        ensured |= Ensured.Organisations;
        return core;
    }

    private async Task<ForgeLogin> Issue(IForgeAdmin admin, CancellationToken ct)
    {
        DoubtToken();
        token.Reserve();
        token.Write(await admin.Issue(ForgeNames.Core, isCore: true, null, ct));
        LogIssued(log, ForgeNames.Core);
        return token.Read()
            ?? throw new ForgeFault(
                $"the token of '{ForgeNames.Core}' was written to {settings.CoreTokenPath} and cannot be read there",
                FaultScope.One
            );
    }

    private async Task RequireAdmin(ForgeLogin core, CancellationToken ct)
    {
        var self = await api.Send(HttpMethod.Get, "user", core, null, ct);
        if (!self.IsSuccess)
            throw self.Refusal($"say who '{ForgeNames.Core}' is");
        // The forge hides the rights of other accounts from an account that is not a site admin.
        if (!self.Is("is_admin"))
            throw new ForgeFault(
                $"Hive's own account '{ForgeNames.Core}' is not a site admin on the forge any more; "
                    + "make it one there (Site administration → User accounts)",
                FaultScope.One
            );
    }

    private async Task EnsureHook(ForgeLogin core, CancellationToken ct)
    {
        try
        {
            await hook.Ensure(core, ct);
            HookFault = null;
        }
        catch (Exception e)
            when (e is ForgeFault { Scope: FaultScope.One } or Problem or IOException or UnauthorizedAccessException)
        {
            var fault = $"agents are not told of events on the forge: {e.Message}";
            if (fault != HookFault)
                LogNoHook(log, fault);
            HookFault = fault;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "issued a forge token for {Account}")]
    private static partial void LogIssued(ILogger logger, string account);

    [LoggerMessage(Level = LogLevel.Warning, Message = "forge token refused: {Reason}")]
    private static partial void LogRefused(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "forge webhook failed: {Reason}")]
    private static partial void LogNoHook(ILogger logger, string reason);
}
