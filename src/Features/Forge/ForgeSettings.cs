using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Forge;

/// <summary>Where the forge is and who administers it, as configured.</summary>
internal sealed class ForgeSettings(HiveOptions options, HivePaths paths)
{
    private const string DefaultUrl = "http://localhost:3000";

    private readonly ForgeOptions given = options.Forge;

    /// <summary>The forge's address, with a slash at its end.</summary>
    public Uri Url { get; } = new((options.Forge.Url ?? DefaultUrl).TrimEnd('/') + "/");

    /// <summary>Where Forgejo keeps its data in its container.</summary>
    public string WorkPath { get; } = options.Forge.WorkPath;

    /// <summary>Where Hive keeps the token of its own account.</summary>
    public string CoreTokenPath => Path.Combine(paths.DataDir, "forge-core-token");

    /// <summary>Where Hive keeps the password that it chose for its own account, until that is an admin.</summary>
    public string CorePasswordPath => Path.Combine(paths.DataDir, "forge-core-password");

    /// <summary>An admin is named, so the forge is reached by its API alone.</summary>
    public bool HasAdmin => given.User is not null || given.Token is not null || given.TokenFile is not null;

    /// <summary>How the forge reaches <c>/forge/webhook</c> of this Hive; null when it is not to be told by
    /// Hive.</summary>
    public string? WebhookUrl => given.WebhookUrl;

    /// <summary>What cannot be right in what is configured, with its cure; null when all can.</summary>
    public string? Fault()
    {
        if (!HasAdmin)
            return null;
        if (given.Url is null)
            return "Forge:Url is missing: say where the forge is, such as https://forge.example.org";
        if (given.User is not null && given.Password is null && given.PasswordFile is null)
            return "Forge:User has no password: give Forge:PasswordFile, a file with the password in it (or Forge:Password)";
        foreach (var (key, file) in new[] { ("TokenFile", given.TokenFile), ("PasswordFile", given.PasswordFile) })
        {
            if (file is not null && ReadFile(file) is null)
                return $"Forge:{key} names {file}, which is empty or cannot be read";
        }

        if ((given.Token ?? ReadFile(given.TokenFile)) is { } token && !TokenForm.CanBeSent(token))
            return $"{(given.Token is null ? "what Forge:TokenFile names" : "Forge:Token")} is no token: give the one line of letters and digits that the forge has shown";

        return null;
    }

    /// <summary>Somebody has configured something.</summary>
    public bool IsMeant => given.Url is not null || HasAdmin;

    /// <summary>Why what is configured leads to no forge by its API; null when it does.</summary>
    public string? Absence() =>
        Fault()
        ?? (
            HasAdmin ? null
            : IsMeant ? "Forge:Url is set and no admin: give Forge:TokenFile, or Forge:User and Forge:PasswordFile"
            : "no forge is configured: set Forge:Url and its admin (docs/forge.md)"
        );

    /// <summary>Nothing between here and there can listen, so no proxy is to be asked.</summary>
    public bool IsNear => Url.IsLoopback;

    /// <summary>The admin to be used; read anew each time, since what is in a file may be changed.</summary>
    public ForgeLogin? Admin() =>
        given.User is { } user && (given.Password ?? ReadFile(given.PasswordFile)) is { } password
            ? new ForgeLogin.Password(user, password, IsAdmin: true)
        : (given.Token ?? ReadFile(given.TokenFile)) is { } token ? new ForgeLogin.Token(token, IsCore: false)
        : null;

    /// <summary>Where people open something on the forge.</summary>
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

/// <summary>Who asks the forge.</summary>
internal abstract record ForgeLogin
{
    /// <summary>With an access token.</summary>
    internal sealed record Token(string Value, bool IsCore) : ForgeLogin;

    /// <summary>With a password, which is what the forge wants of whoever makes tokens.</summary>
    internal sealed record Password(string User, string Value, bool IsAdmin = false) : ForgeLogin;
}
