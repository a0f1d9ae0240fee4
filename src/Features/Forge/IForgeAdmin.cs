using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Hive.Features.Forge;

/// <summary>Creates accounts and tokens as an administrator of the forge.</summary>
internal interface IForgeAdmin
{
    /// <summary><c>http</c> or <c>nixos</c>.</summary>
    string Mode { get; }

    /// <summary>The login for the API while Hive has no account of its own; null for anonymous.</summary>
    ForgeLogin? Login { get; }

    /// <summary>Why no forge can be administered this way; null when one can.</summary>
    Task<string?> Absence(CancellationToken ct);

    /// <summary>Creates an account unless it exists, and a token for it.</summary>
    /// <param name="account">Its name.</param>
    /// <param name="isCore">True for Hive's own account, the only one that may administer the forge.</param>
    /// <param name="core">Hive's own token, if there is one already.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The token, which the forge shows only once.</returns>
    /// <exception cref="ForgeFault">It could not be issued.</exception>
    Task<string> Issue(string account, bool isCore, ForgeLogin? core, CancellationToken ct);
}

/// <summary>Names tokens. The time in the name keeps a token that is issued again from colliding with the one
/// before.</summary>
internal static class TokenName
{
    public static string New(TimeProvider clock) =>
        string.Create(CultureInfo.InvariantCulture, $"hive-{clock.GetUtcNow():yyyyMMdd'T'HHmmssfff}-{Suffix()}");

    private static string Suffix() => RandomNumberGenerator.GetHexString(4, lowercase: true);
}

/// <summary>The form of tokens.</summary>
internal static partial class TokenForm
{
    /// <summary>Checks a token that the forge has just issued.</summary>
    /// <exception cref="ForgeFault">The text is not a token: missing, blank, or several lines.</exception>
    public static string Read(string? text, string account) =>
        text is not null && Made().IsMatch(text)
            ? text
            : throw new ForgeFault($"the forge issued an unreadable token for '{account}'", FaultScope.One);

    /// <summary>True when a text can be sent in a header, as an operator's token must.</summary>
    public static bool CanBeSent(string text) => text.Length > 0 && text.All(c => c is > ' ' and <= '~');

    [GeneratedRegex(@"\A[0-9A-Za-z_.-]{20,200}\z")]
    private static partial Regex Made();
}
