using Hive.Common.Doctor;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>Whether there is a forge, and whether it takes Hive's admin.</summary>
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
                    $"cannot be looked for: {fault.Message}",
                    "See why nixos-container does not answer."
                ),
            ];
        }

        if (absence is not null && !inContainer)
        {
            return
            [
                settings.IsMeant
                    ? new Finding(
                        Topic,
                        Topic,
                        FindingState.Failed,
                        $"off: {absence}",
                        "Mend that in the configuration (docs/forge.md), or take Forge:… out of it."
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
                $"on ({way.Mode}): {settings.Url}, {(version is null ? "which tells strangers nothing" : $"version {version}")}"
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
                    $"on, and does not work: {fault.Message}",
                    "What is to be done there is done when it answers; agents go on working meanwhile."
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
                        ? $"'{self.Text("login")}' is no site admin there"
                        : self.Refusal("say who Hive is there").Message,
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

    // Tokens go over it.
    private IEnumerable<Finding> Wire()
    {
        if (settings.Url.Scheme == "http" && !settings.IsNear)
            yield return new Finding(
                Topic,
                "connection",
                FindingState.Failed,
                $"{settings.Url} is not encrypted, and tokens go over it to another machine",
                "Use https:// in Forge:Url."
            );
    }
}
