using Hive.Common.Doctor;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>Checks that the forge answers and accepts Hive's admin.</summary>
internal sealed class ForgeCheck(ForgeSettings settings, ForgeApi api, HttpAdmin http, ContainerAdmin container)
    : ICheck
{
    private const string Topic = "forge";
    private const string Admin = "admin";

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct)
    {
        var absence = await http.Absence(ct);
        bool inContainer;
        try
        {
            inContainer = absence is not null && settings.Fault() is null && await container.Absence(ct) is null;
        }
        catch (ForgeFault fault)
        {
            return
            [
                new Finding(
                    Topic,
                    Topic,
                    FindingState.Failed,
                    $"cannot be checked: {fault.Message}",
                    "Check why nixos-container does not answer."
                ),
            ];
        }

        if (absence is not null && !inContainer)
        {
            return
            [
                settings.IsConfigured
                    ? new Finding(
                        Topic,
                        Topic,
                        FindingState.Failed,
                        $"off: {absence}",
                        "Fix that in the configuration (docs/forge.md), or remove Forge:… from it."
                    )
                    : new Finding(Topic, Topic, FindingState.Absent, $"off: {absence}"),
            ];
        }

        try
        {
            IForgeAdmin way = inContainer ? container : http;
            var version = await api.Version(way.Login, ct);
            var found = new Finding(
                Topic,
                Topic,
                FindingState.Ok,
                $"on ({way.Mode}): {settings.Url}, "
                    + $"{(version is null ? "version hidden from anonymous callers" : $"version {version}")}"
            );
            return inContainer ? [found, .. Wire()] : [found, await Login(ct), .. Wire()];
        }
        catch (ForgeFault fault)
        {
            return
            [
                new Finding(
                    Topic,
                    Topic,
                    FindingState.Failed,
                    $"on, but failing: {fault.Message}",
                    "Pending work is done when it answers; agents continue to work in the meantime."
                ),
            ];
        }
    }

    private async Task<Finding> Login(CancellationToken ct)
    {
        try
        {
            var self = await api.Send(HttpMethod.Get, "user", settings.Admin(), null, ct);
            return self.Is("is_admin")
                ? new Finding(Topic, Admin, FindingState.Ok, $"'{self.Text("login")}' administers it")
                : new Finding(
                    Topic,
                    Admin,
                    FindingState.Failed,
                    self.IsSuccess
                        ? $"'{self.Text("login")}' is not a site admin there"
                        : self.Refusal("look up Hive's admin").Message,
                    "Give Hive the account, or a token with the scopes write:admin and read:user, of a site admin."
                );
        }
        catch (ForgeFault fault)
        {
            return new Finding(
                Topic,
                Admin,
                FindingState.Failed,
                fault.Message,
                "Give Hive the account or the token of a site admin (docs/forge.md)."
            );
        }
    }

    // Tokens are sent over this connection.
    private IEnumerable<Finding> Wire()
    {
        if (settings.Url.Scheme == "http" && !settings.IsLocal)
            yield return new Finding(
                Topic,
                "connection",
                FindingState.Failed,
                $"{settings.Url} is not encrypted, and tokens are sent over it to another machine",
                "Use https:// in Forge:Url."
            );
    }
}
