using Hive.Protocol;
using Microsoft.Extensions.Configuration;

namespace Hive.Features.Forge;

/// <summary>Where the forge is and who administers it, as configured.</summary>
internal sealed class ForgeSettings(IConfiguration configuration, HivePaths paths)
{
    private const string DefaultUrl = "http://localhost:3000";

    /// <summary>The forge's address, with a slash at its end. What is wrong with it is in <see cref="Fault"/>.</summary>
    public Uri Url { get; } = Parse(configuration["Forge:Url"]) ?? new Uri(DefaultUrl + "/");

    /// <summary>Where Forgejo keeps its data in its container.</summary>
    public string WorkPath { get; } = configuration["Forge:WorkPath"] is { Length: > 0 } path ? path : "/var/lib/forgejo";

    /// <summary>Where Hive keeps the token of its own account.</summary>
    public string CoreTokenPath => Path.Combine(paths.DataDir, "forge-core-token");

    /// <summary>Where Hive keeps the password that it chose for its own account, until that is an admin.</summary>
    public string CorePasswordPath => Path.Combine(paths.DataDir, "forge-core-password");

    /// <summary>An admin is named, so the forge is reached by its API alone.</summary>
    public bool HasAdmin => Given("User") is not null || Given("Token") is not null || Given("TokenFile") is not null;

    /// <summary>How the forge reaches <c>/forge/webhook</c> of this Hive; null when it is not to be told by Hive.</summary>
    public string? WebhookUrl => Given("WebhookUrl");

    /// <summary>What cannot be right in what is configured, with its cure; null when all can.</summary>
    public string? Fault()
    {
        if (Given("Url") is { } url && Parse(url) is null)
            return "Forge:Url is no address: give http:// or https://, a host, perhaps a path, and no user, password, query or fragment";
        if (WebhookUrl is { } hook && Parse(hook) is null)
            return "Forge:WebhookUrl is no address: give what the forge reaches Hive at, such as http://127.0.0.1:7000/forge/webhook";
        if (!HasAdmin)
            return null;
        if (Given("Url") is null)
            return "Forge:Url is missing: say where the forge is, such as https://forge.example.org";
        if (Given("User") is not null && Given("Password") is null && Given("PasswordFile") is null)
            return "Forge:User has no password: give Forge:PasswordFile, a file with the password in it (or Forge:Password)";
        foreach (var key in new[] { "TokenFile", "PasswordFile" })
        {
            if (Given(key) is { } file && ReadFile(file) is null)
                return $"Forge:{key} names {file}, which is empty or cannot be read";
        }

        if ((Given("Token") ?? Read("TokenFile")) is { } token && !TokenForm.CanBeSent(token))
            return $"{(Given("Token") is null ? "what Forge:TokenFile names" : "Forge:Token")} is no token: give the one line of letters and digits that the forge has shown";

        return null;
    }

    /// <summary>Somebody has configured something.</summary>
    public bool IsMeant => Given("Url") is not null || HasAdmin;

    /// <summary>Why what is configured leads to no forge by its API; null when it does.</summary>
    public string? Absence() =>
        Fault() ?? (HasAdmin ? null
            : IsMeant ? "Forge:Url is set and no admin: give Forge:TokenFile, or Forge:User and Forge:PasswordFile"
            : "no forge is configured: set Forge:Url and its admin (docs/forge.md)");

    /// <summary>Nothing between here and there can listen, so no proxy is to be asked.</summary>
    public bool IsNear => Url.IsLoopback;

    /// <summary>The admin to be used; read anew each time, since what is in a file may be changed.</summary>
    public ForgeLogin? Admin() =>
        Given("User") is { } user && (Given("Password") ?? Read("PasswordFile")) is { } password ? new ForgeLogin.Password(user, password, IsAdmin: true)
        : (Given("Token") ?? Read("TokenFile")) is { } token ? new ForgeLogin.Token(token, IsCore: false)
        : null;

    /// <summary>Where people open something on the forge.</summary>
    public string Link(string path) => new Uri(Url, path).AbsoluteUri;

    private string? Given(string key) => configuration["Forge:" + key] is { Length: > 0 } value ? value : null;

    private string? Read(string key) => Given(key) is { } file ? ReadFile(file) : null;

    private static string? ReadFile(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } text ? text : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static Uri? Parse(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0
            ? new Uri(url.AbsoluteUri.TrimEnd('/') + "/")
            : null;
}

/// <summary>Who asks the forge.</summary>
internal abstract record ForgeLogin
{
    /// <summary>With an access token.</summary>
    internal sealed record Token(string Value, bool IsCore) : ForgeLogin;

    /// <summary>With a password, which is what the forge wants of whoever makes tokens.</summary>
    internal sealed record Password(string User, string Value, bool IsAdmin = false) : ForgeLogin;
}
