using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Forge;

/// <summary>The configured address and admin of the forge.</summary>
internal sealed class ForgeSettings(HiveOptions options, HivePaths paths)
{
    private const string DefaultUrl = "http://localhost:3000";

    private readonly ForgeOptions given = options.Forge;

    /// <summary>The forge's address, with a slash at its end.</summary>
    public Uri Url { get; } = new((options.Forge.Url ?? DefaultUrl).TrimEnd('/') + "/");

    /// <summary>Where Forgejo keeps its data in its container.</summary>
    public string WorkPath { get; } = options.Forge.WorkPath;

    /// <summary>The file with the token of Hive's own account.</summary>
    public string CoreTokenPath => Path.Combine(paths.DataDir, "forge-core-token");

    /// <summary>The file with the password of Hive's own account, kept until the account is an admin.</summary>
    public string CorePasswordPath => Path.Combine(paths.DataDir, "forge-core-password");

    /// <summary>True when an admin is configured, so that the forge is administered by its API only.</summary>
    public bool HasAdmin => given.User is not null || given.Token is not null || given.TokenFile is not null;

    /// <summary>The address at which the forge reaches <c>/forge/webhook</c>; null when Hive does not create the
    /// webhook.</summary>
    public string? WebhookUrl => given.WebhookUrl;

    /// <summary>The fault of the configuration, with the way out; null when there is none.</summary>
    public string? Fault()
    {
        if (!HasAdmin)
            return null;
        if (given.Url is null)
            return "Forge:Url is missing; set it to the forge's address, such as https://forge.example.org";
        if (given.User is not null && given.Password is null && given.PasswordFile is null)
            return "Forge:User has no password; set Forge:PasswordFile to a file with the password in it (or "
                + "Forge:Password)";
        foreach (var (key, file) in new[] { ("TokenFile", given.TokenFile), ("PasswordFile", given.PasswordFile) })
        {
            if (file is not null && ReadFile(file) is null)
                return $"Forge:{key} names {file}, which is empty or cannot be read";
        }

        if ((given.Token ?? ReadFile(given.TokenFile)) is { } token && !TokenForm.CanBeSent(token))
            return $"{(given.Token is null ? "the file of Forge:TokenFile" : "Forge:Token")} does not contain a "
                + "valid token; give the one line of letters and digits that the forge showed";

        return null;
    }

    /// <summary>True when any part of a forge is configured.</summary>
    public bool IsConfigured => given.Url is not null || HasAdmin;

    /// <summary>Why no forge can be reached by its API; null when one can.</summary>
    public string? Absence() =>
        Fault()
        ?? (
            HasAdmin ? null
            : IsConfigured
                ? "Forge:Url is set without an admin; give Forge:TokenFile, or Forge:User and Forge:PasswordFile"
            : "no forge is configured: set Forge:Url and its admin (docs/forge.md)"
        );

    /// <summary>True when the forge is on this machine, so that no proxy is used and no encryption needed.</summary>
    public bool IsLocal => Url.IsLoopback;

    /// <summary>The admin's login; read each time, since a file may have changed.</summary>
    public ForgeLogin? Admin() =>
        given.User is { } user && (given.Password ?? ReadFile(given.PasswordFile)) is { } password
            ? new ForgeLogin.Password(user, password, IsAdmin: true)
        : (given.Token ?? ReadFile(given.TokenFile)) is { } token ? new ForgeLogin.Token(token, IsCore: false)
        : null;

    /// <summary>The address of a page on the forge.</summary>
    public string Link(string path) => new Uri(Url, path).AbsoluteUri;

    private static string? ReadFile(string? file)
    {
        if (file is null)
            return null;
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>A login on the forge.</summary>
internal abstract record ForgeLogin
{
    /// <summary>With an access token.</summary>
    internal sealed record Token(string Value, bool IsCore) : ForgeLogin;

    /// <summary>With a password, which the forge requires for issuing tokens.</summary>
    internal sealed record Password(string User, string Value, bool IsAdmin = false) : ForgeLogin;
}
