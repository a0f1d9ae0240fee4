using System.Globalization;

namespace Hive.Host;

/// <summary>Looks up a group by its name.</summary>
internal static class UnixGroup
{
    /// <summary>The group's number; null when no group has that name.</summary>
    public static int? Find(string name) =>
        File.Exists("/etc/group")
        && File.ReadLines("/etc/group")
            .Select(line => line.Split(':'))
            .FirstOrDefault(parts => parts.Length > 2 && parts[0] == name)
            is { } entry
        && int.TryParse(entry[2], CultureInfo.InvariantCulture, out var id)
            ? id
            : null;
}
