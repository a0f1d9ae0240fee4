using System.Text.RegularExpressions;

namespace Hive.Features.Forge;

/// <summary>Makes accounts and tokens: what only an administrator of the forge can do. There are two ways to be
/// one.</summary>
internal interface IForgeAdmin
{
    /// <summary><c>http</c> or <c>nixos</c>.</summary>
    string Mode { get; }

    /// <summary>Who asks the API while Hive has no account of its own; null for nobody.</summary>
    ForgeLogin? Login { get; }

    /// <summary>Why this way leads to no forge; null when it does.</summary>
    Task<string?> Absence(CancellationToken ct);

    /// <summary>Makes an account unless there is one, and a token for it.</summary>
    /// <param name="account">Its name.</param>
    /// <param name="isCore">It is Hive's own, which administers the forge; no other may.</param>
    /// <param name="core">Hive's own token, where there is one already.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>The token, which the forge shows this once.</returns>
    /// <exception cref="ForgeFault">It could not be made.</exception>
    Task<string> Issue(string account, bool isCore, ForgeLogin? core, CancellationToken ct);
}

/// <summary>What tokens are called. The time keeps one that is issued again from being called like the one
/// before.</summary>
internal static class TokenName
{
    public static string New(TimeProvider clock) =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"hive-{clock.GetUtcNow():yyyyMMdd'T'HHmmssfff}-{System.Security.Cryptography.RandomNumberGenerator.GetHexString(4, lowercase: true)}"
        );
}

/// <summary>What tokens look like.</summary>
internal static partial class TokenForm
{
    /// <summary>A token that the forge has just made.</summary>
    /// <exception cref="ForgeFault">It is none: nothing, a blank, lines.</exception>
    public static string Read(string? text, string account) =>
        text is not null && Made().IsMatch(text)
            ? text
            : throw new ForgeFault($"the forge made no token for '{account}' that could be read", FaultScope.One);

    /// <summary>True when a text can stand in a header, as an operator's token must.</summary>
    public static bool CanBeSent(string text) => text.Length > 0 && text.All(c => c is > ' ' and <= '~');

    [GeneratedRegex(@"\A[0-9A-Za-z_.-]{20,200}\z")]
    private static partial Regex Made();
}
