namespace Hive.Agent.Drivers.Claude;

/// <summary>Links the skills of the agent's inputs into a folder for Claude Code's <c>--add-dir</c>.</summary>
internal sealed class ClaudeSkills(string folder, Log log)
{
    private const string SkillFile = "SKILL.md";
    private const int MostSkills = 200;

    // Folders of a repository that hold skills, one folder each.
    private static readonly string[] Places = [".", "skills", ".claude/skills"];

    /// <summary>The folder of the inputs as this process sees it.</summary>
    public static string Inputs =>
        Environment.GetEnvironmentVariable("HIVE_INPUTS") is { Length: > 0 } named ? named : "/inputs";

    /// <summary>Links each skill into the folder for <c>--add-dir</c>; null when the inputs have no skills.</summary>
    public string? Link()
    {
        try
        {
            // An input may have been updated since the last run.
            Unlink();
            var skills = Find(Inputs);
            if (skills.Count == 0)
                return null;
            var links = Directory.CreateDirectory(Path.Combine(folder, ".claude", "skills")).FullName;
            foreach (var (name, skill) in skills)
                Directory.CreateSymbolicLink(Path.Combine(links, name), skill);
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warn($"the skills of the inputs could not be linked: {e.Message}; the turn continues without them");
            return null;
        }
    }

    /// <summary>Deletes the links, not their targets.</summary>
    public void Unlink()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private SortedDictionary<string, string> Find(string inputs)
    {
        SortedDictionary<string, string> skills = new(StringComparer.Ordinal);
        if (!Directory.Exists(inputs))
            return skills;
        foreach (var input in Directory.GetDirectories(inputs).Order(StringComparer.Ordinal))
        {
            foreach (var skill in SkillsOf(input))
            {
                if (skills.Count == MostSkills)
                {
                    log.Warn($"the inputs have more than {MostSkills} skills; the others are not linked");
                    return skills;
                }

                // The second skill of the same name gets the name of its input as a prefix.
                var name = Path.GetFileName(skill);
                if (!skills.TryAdd(name, skill))
                    skills.TryAdd($"{Path.GetFileName(input)}-{name}", skill);
            }
        }

        return skills;
    }

    private static IEnumerable<string> SkillsOf(string input) =>
        File.Exists(Path.Combine(input, SkillFile))
            ? [input]
            : Places
                .Select(place => Path.GetFullPath(place, input))
                .Where(Directory.Exists)
                .SelectMany(place => Directory.GetDirectories(place).Order(StringComparer.Ordinal))
                .Where(folder => File.Exists(Path.Combine(folder, SkillFile)));
}
