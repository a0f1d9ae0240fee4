using System.Text.RegularExpressions;

namespace Hive.Protocol;

/// <summary>The form of an agent's name, which becomes part of paths.</summary>
public static partial class AgentNameForm
{
    /// <summary>True for a name of that form, reserved or not.</summary>
    public static bool Fits(string name) => name.Length <= Limits.NameLength && Form().IsMatch(name);

    [GeneratedRegex(@"\A[a-z](?:[a-z0-9-]*[a-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
