using Hive.Common.Git;

namespace Hive.Features.Forge;

/// <summary>The settings of git when it talks to the forge as Hive's own account.</summary>
internal static class ForgeGit
{
    // A credential helper that git calls for this address only. It reads the token from its file, so that the token is
    // in no argument, variable or configuration.
    private const string Helper =
        "!f() { test \"$1\" = get && echo username="
        + ForgeNames.Core
        + " && printf 'password=%s\\n' \"$(cat \"$HIVE_FORGE_TOKEN\")\"; }; f";

    /// <summary>The address of a repository.</summary>
    public static string Address(ForgeSettings settings, string repository) =>
        new Uri(settings.Url, repository + ".git").AbsoluteUri;

    /// <summary>The limits and settings of a run that talks to the forge.</summary>
    public static GitCall Call(ForgeSettings settings) =>
        new()
        {
            Protocols = settings.Url.Scheme,
            TimeLimit = TimeSpan.FromMinutes(2),
            Settings =
            [
                $"credential.{settings.Url.GetLeftPart(UriPartial.Authority)}.helper={Helper}",
                "http.followRedirects=false",
                "http.sslVerify=true",
                "http.lowSpeedLimit=100",
                "http.lowSpeedTime=20",
                "push.gpgSign=false",
                "push.followTags=false",
                .. settings.IsLocal ? (string[])["http.proxy="] : [],
            ],
            Environment = new Dictionary<string, string> { ["HIVE_FORGE_TOKEN"] = settings.CoreTokenPath },
        };
}
